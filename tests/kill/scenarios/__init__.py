"""What may befall a house while it works. Each ends with every job complete and its books right."""

from __future__ import annotations

from tests.kill.scenarios import clocks, fanout, people, schedulers, servers, web, workers
from tests.kill.work import Scenario

ANYWHERE: tuple[Scenario, ...] = (
    workers.a_worker_dies_at_a_seam,
    workers.a_worker_dies_at_each_boundary_of_items,
    workers.a_worker_dies_at_just_this_item,
    workers.workers_die_at_any_moment,
    workers.anything_dies,
    workers.a_worker_freezes_for_longer_than_its_lease,
    workers.a_worker_freezes_with_a_transaction_open,
    workers.messages_are_doubled,
    workers.workers_are_replaced,
    fanout.workers_die_while_parts_are_done,
    fanout.a_worker_dies_at_a_seam_of_shared_out_jobs,
    fanout.the_last_part_ends_and_nobody_sums_up,
    fanout.people_change_their_minds_about_shared_out_jobs,
    schedulers.schedulers_die_and_freeze_at_any_moment,
    schedulers.the_leader_dies_and_the_deputy_takes_over,
    schedulers.the_leader_is_suspended_for_longer_than_its_lease,
    web.the_web_process_dies_at_a_seam_of_the_click,
    web.the_web_process_dies_in_mid_click,
    people.the_click_dies_before_the_bell,
    people.people_change_their_minds,
    servers.valkey_forgets_everything,
    servers.valkey_dies_with_what_it_holds,
    servers.valkey_is_away_at_the_click,
    servers.the_mail_server_dies_in_the_middle,
    servers.the_mail_server_dies_before_it_says_that_it_has_a_mail,
    clocks.the_clock_is_stepped,
    clocks.the_clock_is_put_back_while_a_job_is_put_off,
    clocks.the_clock_is_put_forward_under_the_living,
)
SQLITE: tuple[Scenario, ...] = ANYWHERE
POSTGRESQL: tuple[Scenario, ...] = (
    *ANYWHERE,
    servers.the_database_is_restarted,
    workers.one_job_holds_its_row_for_long,
)
