"""Ingress and query as one application on one port, as one machine wants it; in production each has its own."""

from contextlib import closing

import uvloop

from services.ingress.main import ingress_service
from services.query.main import query_service
from services.runtime.application import Application, application
from services.runtime.gc_tuning import tune_gc
from services.runtime.http import listen, serve
from services.runtime.logs import configure_logging
from services.runtime.settings import Settings


def create_app(settings: Settings) -> Application:
    """Every route of both services. Raises MissingSetting."""
    return application(ingress_service(settings), query_service(settings), title="Onefold")


def main() -> None:
    """Serves until SIGTERM. A port that is taken ends it at once, with the system's own word for it."""
    settings = Settings()
    configure_logging(settings)
    app = create_app(settings)
    tune_gc()
    with closing(listen(settings.host, settings.port)) as listener:
        uvloop.run(serve(app, listener))


if __name__ == "__main__":
    main()
