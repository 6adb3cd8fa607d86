"""The shapes of exports."""

from typing import Annotated

from pydantic import Field

from services.query.core.job_models import JobView
from services.query.core.models import Shape
from services.query.core.search_models import AsOf


class ExportPreview(Shape):
    """How many rows an export would have, by the customers as they are."""

    rows: Annotated[int, Field(description="exact at this moment; the file has those of the moment when it is made")]
    as_of: AsOf


class ExportStarted(Shape):
    """An export that was asked for: how many rows it has at this moment, and the job that makes its file."""

    rows: Annotated[int, Field(description="exact at this moment; the file has those of the moment when it is made")]
    as_of: AsOf
    job: JobView
