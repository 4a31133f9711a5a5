import json

import reliability_table

LOAD = """score_images 3000 -
score_growth_after_1000 0.013 0.05
score_descriptors_left 0 0
calls_threads 100 -
calls_threads_that_differ 0 0
"""
KILLS = """# a note
kills_balance 50 stated
kills_balance_half_files 0 <=0
kills_balance_failed 0 <=0
kills_balance_other_results 0 <=0
kills_balance_left_files 1 <=0  MISSED
kills_balance_ray 7 stated
kills_balance_ray_half_files 0 <=0
kills_balance_ray_failed 2 <=0  MISSED
kills_balance_ray_other_results 0 <=0
kills_balance_ray_left_files 0 <=0
"""
DAMAGED = """damaged_images 10000 -
damaged_images_refused 6000 -
damaged_images_refer 3000 -
damaged_images_alert 1000 -
damaged_images_clear 0 0
damaged_images_foreign_errors 0 0
damaged_files 2000 -
damaged_files_refused 1990 -
damaged_files_same_answer 10 -
damaged_files_another_answer 0 0
damaged_files_foreign_errors 0 0
"""
FUZZ = [
    {"door": "png", "executions": 200000, "seconds": 9, "faults": {}, "slowest_seconds": 1.23, "peak_mebibytes": 300}
]


def test_the_page_has_what_the_records_give():
    page = reliability_table.PAGE.read_text(encoding="utf-8")
    assert reliability_table.fill(page) == page


def test_records_become_tables(tmp_path):
    for name, content in (("load.txt", LOAD), ("kills.txt", KILLS), ("damaged_inputs.txt", DAMAGED)):
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "fuzz.json").write_text(json.dumps(FUZZ), encoding="utf-8")
    page = reliability_table.fill(reliability_table.PAGE.read_text(encoding="utf-8"), tmp_path)
    for row in (
        "| PNG image | 200,000 | 0 | 1.2 s | 300 MiB |",
        "| balance | 50 | 0 half files, 0 failed, 0 other results, 1 left files |",
        "| balance ray | 7 | 0 half files, 2 failed, 0 other results, 0 left files |",
        "0 *clear*, 6,000 refused, 3,000 *refer*, 1,000 *alert*",
        "1,990 refused, 10 with the same answer, 0 with another",
        "| `score` on a table | 3,000 images | memory grew by 1.3% after the first 1,000; 0 open files left |",
        "| 16 threads on one detector | 100 calls | 0 differ from serial ones |",
    ):
        assert row in page
    assert "not recorded" not in page


def test_what_has_no_record_says_how_to_get_it(tmp_path):
    page = reliability_table.fill(reliability_table.PAGE.read_text(encoding="utf-8"), tmp_path)
    assert all(command in page for command in reliability_table.RECORDS.values())
