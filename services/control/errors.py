"""What the control plane refuses. The message tells a person why.

ControlError
├── NameTaken        choose another name
├── InvalidName      spell it differently
├── UnknownTenant    add the tenant first
├── UnknownKey       look at the list of keys
├── UnknownSource    look at the list of sources
├── UnknownSite      add the website first
├── UnknownDeletion  look at the list of deletion requests
├── UnknownErasure   look at the list of erasures
├── UnknownJob       look at the list of jobs
├── JobFinished      there is nothing to cancel
├── AlreadyUndone    look at the job that undoes it
├── TooLateToUndo    do the opposite by another bulk action
├── NotEnded         wait for the job, or cancel it
├── TooManyJobs      wait for some to end
├── TooMuchKept      wait until files expire
├── FileGone         have the job done again
├── JobLost          leave the job to whoever has it
├── UnknownEndpoint  look at the list of webhook endpoints
├── TooManyEndpoints remove one first
├── UnknownProvider  set it first
├── UnknownLink      look at the list of links
├── SignInUsed       begin another sign-in
├── EndpointLost     leave the endpoint to whoever has it
├── StillUsed        remove what refers to the source first
└── TooBusy          try again
"""

import sqlalchemy as sa

from services.runtime.database import violated_constraint
from services.runtime.errors import ForeseenError


class ControlError(ForeseenError):
    """The control plane refuses; the message tells a person why."""


class NameTaken(ControlError):
    """The name is in use."""


class InvalidName(ControlError):
    """The name, or another value, breaks a rule."""


class UnknownTenant(ControlError):
    """There is no such tenant."""


class UnknownKey(ControlError):
    """There is no such key, or there are several."""


class UnknownSource(ControlError):
    """There is no such source."""


class UnknownSite(ControlError):
    """There is no such source of the channel web."""


class UnknownDeletion(ControlError):
    """There is no such request, or it was closed already."""


class UnknownErasure(ControlError):
    """There is no such erasure."""


class UnknownJob(ControlError):
    """There is no such job."""


class JobFinished(ControlError):
    """The job has ended already."""


class AlreadyUndone(ControlError):
    """The job was undone already, or is being undone; ``undone_by`` of the job says by which."""


class TooLateToUndo(ControlError):
    """What a job did can be undone for a day after it ended."""


class NotEnded(ControlError):
    """The job has not ended yet; wait for it, or cancel it, before it is undone."""


class TooManyJobs(ControlError):
    """The tenant has many jobs that are not finished."""


class TooMuchKept(ControlError):
    """The tenant's files that were uploaded take all the room they may; they expire."""


class NotChecked(ControlError):
    """No dry run of this import is done."""


class FileGone(ControlError):
    """The job has no file, or it is no longer kept; have the job done again."""


class JobLost(ControlError):
    """The job was cancelled, or is another attempt's by now."""


class UnknownEndpoint(ControlError):
    """There is no such webhook endpoint."""


class TooManyEndpoints(ControlError):
    """The tenant has many webhook endpoints already."""


class UnknownProvider(ControlError):
    """The tenant has no OpenID provider."""


class UnknownLink(ControlError):
    """There is no such link, or it was used or removed already."""


class SignInUsed(ControlError):
    """This sign-in began a session already."""


class EndpointLost(ControlError):
    """The webhook endpoint was changed or removed, or is another worker's by now."""


class StillUsed(ControlError):
    """Something in the control plane still refers to the source, so it stays, disabled."""


class TooBusy(ControlError):
    """Others kept changing the source at the same time; try again."""


def unknown_tenant(tenant: str) -> UnknownTenant:
    """The error for a tenant that does not exist, with the command that adds it."""
    return UnknownTenant(f"there is no tenant {tenant!r}; `onefold tenants add {tenant}` adds it")


def translated(error: sa.exc.IntegrityError, **by_constraint: ControlError) -> Exception:
    """The error that stands for the violated constraint; any other violation is a bug and stays what it is."""
    return by_constraint.get(str(violated_constraint(error))) or error
