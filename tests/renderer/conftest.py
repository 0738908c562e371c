"""The renderer's tests go through the door too."""

from tests.journeys.conftest import journey, new_journey  # noqa: F401 - fixtures
