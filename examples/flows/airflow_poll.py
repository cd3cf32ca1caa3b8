"""A flow as a poll, for Airflow and other schedulers that call a Python function and try it again when it fails.

Put this file and consumer.py into the folder of your DAGs; target-contactdb's README has a DAG that calls `poll`.
Nothing here needs Airflow. No person passes through the scheduler: what `poll` returns is a yes or a no.
"""

from __future__ import annotations

import consumer

NODE = ("abandoned-checkout", "--flow", "reminder", "--after", "60", "--limit", "50")
"""The node and its options: put your own in their place."""


class PollFailed(Exception):
    """Some could not be sent to. They were given back: trying again is safe, and sends to nobody twice."""


def poll() -> bool:
    """Send to who enters now, up to the limit, and return whether there was anybody to send to.

    It may be called at any time, and by several workers: who was sent to has entered for good, and nobody is handed to
    two. After a worker that died, its entries come again once their lease is over, each with the same key.

    Raises:
        PollFailed: Some could not be sent to. The others were.
        consumer.NotConfigured: MAIL_URL is missing.
        consumer.NotAnswered: The contact database could not be asked.
    """
    consumer.check_settings()
    came_of = consumer.run(NODE, consumer.post)
    if came_of.unsent:
        problem = f"{came_of.unsent} not sent, {came_of.sent} sent"
        raise PollFailed(problem)
    return came_of.sent > 0
