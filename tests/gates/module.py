# SPDX-License-Identifier: BSD-3-Clause
"""Defects of the guest's module: what each is, the scenario with a real guest that must see it, the
defect, and what the scenario must say."""

from collections import namedtuple

Defect = namedtuple("Defect", "name scenario path old new says")

DEFECTS = [
    Defect(
        "a block that stays when the driver goes",
        "unload_load",
        "kernel/pages.c",
        "\t\t\telse\n\t\t\t\tblock_free(pages, section, head);\n\t\t}\n",
        "\t\t\telse if (bit)\n\t\t\t\tblock_free(pages, section, head);\n\t\t}\n",
        r"MiB free again in the guest: \d+ are",
    ),
    Defect(
        "pages of a balloon that is gone, kept while the guest sleeps",
        "hibernate",
        "kernel/main.c",
        "\tvballoon_stop(vdev->priv);\n\tvballoon_release(vdev->priv);\n",
        "\tvballoon_stop(vdev->priv);\n",
        r"FAILED e2e: hibernate\n",
    ),
    Defect(
        "more than was asked for is taken",
        "crooked_device",
        "kernel/withdraw.c",
        "units > w->most || ",
        "",
        r"the guest to have its memory after withdraw: more than asked",
    ),
    Defect(
        "what was checked is read again",
        "wavering_config",
        "kernel/main.c",
        "\tb->page_shift = vballoon_page_shift(vdev);\n\tif (!b->page_shift)\n\t\treturn -ENODEV;\n",
        "\tvirtio_cread_le(vdev, struct virtio_memory_balloon_config, page_shift, &b->page_shift);\n",
        r"one driver, which has seen pages",
    ),
    Defect(
        "a page that is refused counts as given",
        "crooked_device",
        "kernel/add.c",
        "\t\tif (status == VIRTIO_MEMORY_BALLOON_ACCEPTED) {",
        "\t\tif (status <= VIRTIO_MEMORY_BALLOON_ACCEPTED) {",
        r"FAILED e2e: crooked_device\n",
    ),
    Defect(
        "what is in the balloon is forgotten when its device has no record",
        "crooked_device",
        "kernel/resize.c",
        "\tvballoon_pages_keep_all(&b->pages);\n",
        "",
        r"MiB of its balloon and no more: \d",
    ),
    Defect(
        "memory that is not counted out",
        "crooked_device",
        "kernel/pages.c",
        "\tadjust_managed_page_count(page, -(1L << *order));\n",
        "",
        r"FAILED e2e: crooked_device\n",
    ),
    Defect(
        "nobody asks for memory when there is none",
        "out_of_memory",
        "kernel/pressure.c",
        "\treturn b->running && b->decide.greeted && !b->withdraw",
        "\treturn !b->running && b->decide.greeted && !b->withdraw",
        r"FAILED e2e: out_of_memory\n",
    ),
    Defect(
        "the worker does not hear of what somebody else has found",
        "answer_found_early",
        "kernel/queues.c",
        "\t\tif (vballoon_answers_poll(b))\n\t\t\tvballoon_wake(b);\n",
        "\t\tvballoon_answers_poll(b);\n",
        r"waited \d+ s for a balloon of 4000 pages",
    ),
    Defect(
        "no page of the balloon moves",
        "compaction",
        "kernel/exchange.c",
        "\tif (!can_exchange(b) || e->message.in_flight ||",
        "\tif (can_exchange(b) || e->message.in_flight ||",
        r"pages of the balloon to be moved: 0",
    ),
    Defect(
        "a verdict on another's page passes for that on one's own",
        "swaps_side_by_side",
        "kernel/exchange.c",
        "\tbool swapped = false;\n",
        "\tstatic bool swapped;\n",
        r"FAILED e2e: swaps_side_by_side\n",
    ),
    Defect(
        "the balloon stays in memory that goes",
        "all_features",
        "kernel/exchange.c",
        "\tif (action != MEM_GOING_OFFLINE || ",
        "\tif (action == MEM_GOING_OFFLINE || ",
        r"FAILED e2e: all_features\n",
    ),
    Defect(
        "what the device has left as it was passes for zeros",
        "reports_that_spoil",
        "kernel/report.c",
        "\t\t\ti < len && READ_ONCE(r->verdict[i]) == VIRTIO_MEMORY_BALLOON_ACCEPTED;",
        "\t\t\ti < len;",
        r"pages that are new to a program to be zero",
    ),
    Defect(
        "a statistic that is another",
        "guest_stats",
        "kernel/stats.c",
        "(u64)i.totalram << PAGE_SHIFT",
        "(u64)i.freeram << PAGE_SHIFT",
        r"mem-total of \d+ MiB",
    ),
]
