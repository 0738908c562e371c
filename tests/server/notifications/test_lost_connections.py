"""A connection to the store that is lost, at whatever command, loses nothing and leaves no gap."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.notifications.worker import Worker
from server.stores.notices import MongoNotices
from server.stores.sealing import Seal
from server.stores.subscriptions import MongoSubscriptions
from tests.databases import connected
from tests.server.notifications.conftest import Office
from tests.server.notifications.receiver import Receiver
from tests.server.stores.cut_line import Moment, line_to

MOST, STEP = 60, 3


@pytest.mark.parametrize("moment", ["before it arrives", "before it is answered"])
def test_a_connection_lost_at_any_command_loses_nothing(
    office: Office, receiver: Receiver, store_uri: str, moment: Moment
) -> None:
    office.subscribed(receiver)
    with line_to(store_uri) as line, connected(line.uri, office.database.name) as database:
        notices = MongoNotices(database)
        subscriptions = MongoSubscriptions(database, lambda: Seal([bytes(32)]))
        means = replace(office.means, notices=notices, subscriptions=subscriptions, lease=timedelta())
        n = done = 0
        line.was_cut = True
        while line.was_cut and n < MOST:
            n += STEP
            decided = [office.decide(office.pend()) for _ in range(2)]
            office.move(seconds=3)
            line.cut(n, moment)
            Worker(means, threads=1).run_once()
            was_cut, line.was_cut = line.was_cut, False
            line.cut(0, moment)
            office.work(seconds=1)
            numbers = [number for number in dict.fromkeys(receiver.events()) if number > done]
            assert numbers == [done + 1, done + 2], n
            assert {each.focus["id"] for each in receiver.got[-2:]} <= {f"{each.id}.2" for each in decided}
            done += 2
            line.was_cut = was_cut
    assert 10 < n < MOST
