from app.registry.maintenance.report import Report, Skipped


def test_a_report_is_said_in_a_few_words():
    assert Report(1, 2, 3).sentence(dry=False) == "removed 1 session: 2 files, 3 bytes"
    assert Report(2, 1, 0, 1).sentence(dry=True) == "would remove 2 sessions: 1 file, 0 bytes; 1 multipart upload"


def test_reports_add_up():
    one, other = Skipped("/a", "b"), Skipped("/c", "d")
    assert Report(1, 2, 3, 4, (one,)) + Report(10, 20, 30, 40, (other,)) == Report(11, 22, 33, 44, (one, other))
