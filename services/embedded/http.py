"""Ingress, query and the console as one application on one port: one address, behind one proxy."""

from contextlib import closing

import uvloop

from services.console.main import console_service
from services.control.access import access_service
from services.ingress.main import ingress_service
from services.query.main import query_service
from services.runtime.application import Application, application
from services.runtime.gc_tuning import tune_gc
from services.runtime.http import bounds_of, listen, serve
from services.runtime.logs import configure_logging
from services.runtime.settings import Settings
from services.verify.http import letters_service


def create_app(settings: Settings) -> Application:
    """Every route of all services. Raises MissingSetting."""
    services = (
        ingress_service(settings),
        query_service(settings),
        letters_service(settings),
        console_service(settings),
    )
    return application(access_service(settings), *services, title="Onefold")


def run(settings: Settings) -> None:
    """Serve until SIGTERM. Raises MissingSetting, and OSError if the port is taken."""
    configure_logging(settings)
    app = create_app(settings)
    tune_gc()
    with closing(listen(settings.host, settings.port)) as listener:
        uvloop.run(serve(app, listener, bounds_of(settings)))


if __name__ == "__main__":
    run(Settings())
