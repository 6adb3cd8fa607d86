"""Why a server can't be used, and what to do about it, in words for a person.

Neither classes of errors nor their texts are shown: the first say little, and the second can be secret.
The kinds of errors are looked through in order, so the more special ones stand first.
"""

import os
import socket
import ssl
from collections.abc import Sequence
from typing import Final, NamedTuple

import asyncpg
from aiokafka import errors as kafka

from services.runtime.database import driver_error

_Reason = tuple[tuple[type[BaseException], ...], str, str]  # the kinds, what was found, what to do

_POSTGRES: Final[Sequence[_Reason]] = (
    (
        (asyncpg.InvalidPasswordError,),
        "it refuses the user or the password",
        "correct them in ONEFOLD_DATABASE; a password's special characters are written as %XX",
    ),
    (
        (asyncpg.InvalidAuthorizationSpecificationError,),
        "it does not let this user connect from here",
        "correct the user in ONEFOLD_DATABASE, or allow it in PostgreSQL's pg_hba.conf (CREATE ROLE, if there is none)",
    ),
    (
        (asyncpg.InvalidCatalogNameError,),
        "it has no database of this name",
        "correct the name in ONEFOLD_DATABASE, or make it: CREATE DATABASE …, then `onefold migrate`",
    ),
    (
        (asyncpg.InsufficientPrivilegeError,),
        "the user may not read Onefold's tables",
        "set the user that ran `onefold migrate` in ONEFOLD_DATABASE, or GRANT this one the schemas and their tables",
    ),
    (
        (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InvalidSchemaNameError),
        "it lacks tables of this version",
        "run `onefold migrate`; if they were there, restore them from the backup",
    ),
    (
        (asyncpg.TooManyConnectionsError,),
        "all of its connections are taken",
        "raise max_connections, or put fewer processes on one server",
    ),
    (
        (asyncpg.CannotConnectNowError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError),
        "it is starting or stopping",
        "wait a minute and try again; if it stays so, see PostgreSQL's log",
    ),
)
_KAFKA: Final[Sequence[_Reason]] = (
    (
        (kafka.KafkaConnectionError, kafka.NodeNotReadyError, kafka.BrokerNotAvailableError),
        "no broker answers",
        "see that Kafka runs, and that ONEFOLD_KAFKA and its `advertised.listeners` are addresses that are right here",
    ),
    (
        (kafka.KafkaTimeoutError, kafka.RequestTimedOutError),
        "a broker does not answer in time",
        "see that all brokers run; Kafka's log and the machine's load tell why",
    ),
    (
        (kafka.UnsupportedVersionError, kafka.IncompatibleBrokerVersion, kafka.UnrecognizedBrokerVersion),
        "it does not know a request of Onefold",
        "run it on Apache Kafka 4 or later",
    ),
    (
        (
            kafka.TopicAuthorizationFailedError,
            kafka.GroupAuthorizationFailedError,
            kafka.ClusterAuthorizationFailedError,
            kafka.AuthenticationFailedError,
            kafka.SaslAuthenticationFailed,
        ),
        "it does not allow what Onefold needs",
        "allow it to read, write, describe and create its topics and groups (`kafka-acls.sh`)",
    ),
    (
        (kafka.GroupCoordinatorNotAvailableError, kafka.NotCoordinatorForGroupError),
        "no broker manages consumer groups",
        "see that the brokers with the topic __consumer_offsets run",
    ),
    (
        (kafka.LeaderNotAvailableError, kafka.NotLeaderForPartitionError, kafka.UnknownTopicOrPartitionError),
        "a topic has no leader, or was deleted just now",
        "see that all brokers run, and try again",
    ),
)
_NETWORK: Final[Sequence[_Reason]] = (
    (
        (socket.gaierror,),
        "the name of its machine is not known here",
        "correct the address, or run this where the name is known",
    ),
    (
        (ssl.SSLError,),
        "TLS does not work: the certificate is not trusted, is for another name, or there is none",
        "give the certificate's authority (sslrootcert), and use the name that the certificate is for",
    ),
    (
        (ConnectionRefusedError,),
        "nothing listens at its address",
        "start it, or correct the address",
    ),
    (
        (TimeoutError,),
        "it does not answer in time",
        "see that it runs and is not overloaded, and that no firewall is between",
    ),
    (
        (FileNotFoundError, PermissionError),
        "a file or a socket of its address is missing, or can't be read",
        "correct the path in the address (host, sslrootcert, sslcert, sslkey), and who may read it",
    ),
    (
        (ConnectionResetError, BrokenPipeError),
        "it ended the connection",
        "see its log, and try again",
    ),
    (
        (ConnectionError,),  # what asyncpg raises itself
        "it did not agree to the connection, or has no TLS where the address wants it",
        "change sslmode in the address, or turn TLS on at the server; see its log",
    ),
)
_ADDRESSES: Final = {"PostgreSQL": "postgresql://USER:PASSWORD@HOST:PORT/DATABASE", "Kafka": "HOST:PORT[,HOST:PORT…]"}


class Trouble(NamedTuple):
    """What is wrong with a server, which is the subject of ``found``, and what to do about it."""

    found: str
    advice: str

    def __str__(self) -> str:
        """Both as one sentence."""
        return f"{self.found}; {self.advice}"


def explained(error: BaseException) -> str:
    """A whole sentence for an error of PostgreSQL's driver, of Kafka's or of the network."""
    return f"{server_of(error)} can't be used: {trouble_of(error)}"


def server_of(error: BaseException, otherwise: str = "PostgreSQL") -> str:
    """Whose error it is; the network's own may be anybody's."""
    if isinstance(driver_error(error), asyncpg.PostgresError | asyncpg.InterfaceError | asyncpg.InternalClientError):
        return "PostgreSQL"
    return "Kafka" if isinstance(error, kafka.KafkaError) else otherwise


def trouble_of(error: BaseException, server: str = "", *, answered: bool = True) -> Trouble:
    """What an error of PostgreSQL's driver, of Kafka's or of the network means.

    ``server`` is "PostgreSQL" or "Kafka"; while it has not ``answered``, its address may be what is wrong.
    """
    error = driver_error(error)
    for kinds, found, advice in (*_POSTGRES, *_KAFKA, *_NETWORK):
        if isinstance(error, kinds):
            return Trouble(found, advice)
    return Trouble(*_of_any_other(error, None if answered else _ADDRESSES.get(server)))


def trouble_with_http(error: BaseException) -> Trouble:
    """The same for an error of an HTTP client, in which the network's own is hidden."""
    while isinstance(inner := _inside(error), Exception):
        error = inner.exceptions[0] if isinstance(inner, ExceptionGroup) else inner
    return trouble_of(error)


def _inside(error: BaseException) -> BaseException | None:
    """What an error was made of. Of the network's own that is only its cause: it can be raised while another is."""
    return error.__cause__ or (None if isinstance(error, OSError) else error.__context__)


def _of_any_other(error: BaseException, address: str | None) -> tuple[str, str]:
    if state := getattr(error, "sqlstate", None):
        return f"it answers with the error {state}", "PostgreSQL's log says more at this time"
    if isinstance(error, kafka.KafkaError) and (number := getattr(error, "errno", None)) is not None:
        return f"it answers with the error {number} of Kafka's protocol", "Kafka's log says more at this time"
    if isinstance(error, OSError) and error.errno:
        return f"the system says: {os.strerror(error.errno)}", "see that it runs, and correct its address"
    if isinstance(error, ValueError) and address:
        return "its address can't be read", f"write it as {address}"
    if isinstance(error, ValueError):
        return "something that is stored can't be read: it was damaged", "restore it from the backup; see its log"
    return "it ended the connection", "see its log, and try again"
