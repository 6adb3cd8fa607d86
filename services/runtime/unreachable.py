"""What to do about a server that can't be reached, or that refuses. Texts of errors are not shown: they can be secret.

The kinds of errors are looked through in order, so the more special ones stand first.
"""

import os
import socket
import ssl
from collections.abc import Sequence
from typing import Final

import asyncpg
from aiokafka import errors as kafka

from services.doctor.finding import Area, CheckResult

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
        "correct the address, or run the doctor where the name is known",
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
_POSTGRESQL: Final = Area("PostgreSQL")
_ADDRESSES: Final = {"PostgreSQL": "postgresql://USER:PASSWORD@HOST:PORT/DATABASE", "Kafka": "HOST:PORT[,HOST:PORT…]"}


def unreachable(area: Area, error: BaseException, *, answered: bool) -> CheckResult:
    """Why an area could not be looked at, or not to its end; ``answered`` says whether its server had answered.

    What is asked of Kafka is compared with tables, so PostgreSQL may be the one that fails.
    """
    if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError):
        area = _POSTGRESQL
    for kinds, found, advice in (*_POSTGRES, *_KAFKA, *_NETWORK):
        if isinstance(error, kinds):
            return area.failed("reachable", found, advice)
    return area.failed("reachable", *_of_any_other(area, error, answered=answered))


def _of_any_other(area: Area, error: BaseException, *, answered: bool) -> tuple[str, str]:
    if state := getattr(error, "sqlstate", None):
        return f"it answers with the error {state}", "PostgreSQL's log says more at this time"
    if isinstance(error, kafka.KafkaError) and (number := getattr(error, "errno", None)) is not None:
        return f"it answers with the error {number} of Kafka's protocol", "Kafka's log says more at this time"
    if isinstance(error, OSError) and error.errno:
        return f"the system says: {os.strerror(error.errno)}", "see that it runs, and correct its address"
    if isinstance(error, ValueError) and not answered:
        return "its address can't be read", f"write it as {_ADDRESSES[area.name]}"
    if isinstance(error, ValueError):
        return "something that is stored can't be read: it was damaged", "restore it from the backup; see its log"
    return "it ended the connection", "see its log, and try again"
