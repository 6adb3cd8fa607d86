"""The console, put together: settings in, a service with pages out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from fastapi import FastAPI

from services.console.adapters.openid import OpenIdClient
from services.console.http import (
    access,
    bulk_actions,
    channels,
    conversation,
    customers,
    dead_letters,
    decisions,
    deletions,
    erasures,
    exports,
    generations,
    identity,
    imports,
    jobs,
    live,
    oidc,
    profile,
    rules,
    saved_segments,
    selection,
    sign_in,
    unsubscribing,
    work_lists,
)
from services.console.http.addresses import Pages
from services.console.http.oidc import SignIns
from services.console.http.pages import PageRoute, missing
from services.console.http.sessions import SignedInSessions
from services.console.http.surroundings import Surroundings
from services.control.console_sessions import find_session
from services.runtime.application import Service
from services.runtime.database import open_engine
from services.runtime.settings import Settings

PAGES: Final = (
    *sign_in.ROUTES,
    *oidc.ROUTES,
    *access.ROUTES,
    *customers.ROUTES,
    *selection.ROUTES,
    *bulk_actions.ROUTES,
    *saved_segments.ROUTES,
    *exports.ROUTES,
    *profile.ROUTES,
    *conversation.ROUTES,
    *unsubscribing.ROUTES,
    *identity.ROUTES,
    *decisions.ROUTES,
    *work_lists.ROUTES,
    *rules.ROUTES,
    *jobs.ROUTES,
    *live.ROUTES,
    *deletions.ROUTES,
    *erasures.ROUTES,
    *imports.ROUTES,
    *channels.ROUTES,
    *dead_letters.ROUTES,
    *generations.ROUTES,
    PageRoute("/console/{rest:path}", missing, None),
    PageRoute("/console/{rest:path}", missing, None, "POST"),
)


def console_service(settings: Settings) -> Service:
    """Every page. It reads through the handlers of the query service, which has to be in the same application.

    Raises MissingSetting.
    """
    database_url, master = settings.database_url, settings.master_key

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_engine(database_url, name="onefold-console", statement_timeout=5) as engine:
            app.state.console_engine = engine
            app.state.sessions = SignedInSessions(partial(find_session, engine))
            app.state.find_session = app.state.sessions.find
            app.state.surroundings = Surroundings(app.state)
            app.state.sign_ins = SignIns(engine, master, settings.public_url, OpenIdClient())
            yield

    return Service((), lifespan, {}, pages=(Pages(PAGES),))
