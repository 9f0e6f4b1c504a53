"""Venue badges of the recorded comments, compared with labels that were decided by hand."""

import sys

import pytest

from tests.support.venue_labels import recorded_comments, score

_MISSED_MAX = 0.03


@pytest.mark.slow
@pytest.mark.recordings
def test_no_venue_of_the_recorded_comments_is_wrong_and_few_are_missed() -> None:
    found = score(recorded_comments())
    sys.stdout.write("\n".join((str(found), *found.missed, *found.wrong)))
    assert found.clear > 400
    assert found.wrong == ()
    assert len(found.missed) <= _MISSED_MAX * found.clear
