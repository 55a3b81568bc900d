"""What an operator is told of a disk."""

import errno
import os

import pytest

from drivers.errors import DriverError
from drivers.filesystem import survey as module
from drivers.filesystem.survey import survey


def everything(root):
    return sorted(path.relative_to(root) for path in root.rglob("*"))


def test_a_disk_is_good_and_nothing_of_the_trial_is_left(tmp_path):
    findings = list(survey(tmp_path / "registry" / "data"))
    assert [finding.what for finding in findings if finding.needed and not finding.holds] == []
    assert len(findings) == 7
    assert everything(tmp_path) == []


def test_what_was_there_stays(tmp_path):
    (tmp_path / "moorage/v1/tmp").mkdir(parents=True)
    (tmp_path / "moorage/v1/tmp/other").write_text("mine")
    before = everything(tmp_path)
    list(survey(tmp_path))
    assert everything(tmp_path) == before


def test_who_stops_listening_half_way_leaves_nothing_either(tmp_path):
    findings = survey(tmp_path / "data")
    for _ in range(4):
        next(findings)
    assert everything(tmp_path) != []
    findings.close()
    assert everything(tmp_path) == []


def test_a_root_in_whose_way_a_file_stands_is_an_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DriverError):
        list(survey(tmp_path / "file" / "root"))


def test_a_folder_that_takes_no_file_is_said_and_ends_the_trial(tmp_path):
    (tmp_path / "moorage").write_text("in the way")
    last = list(survey(tmp_path))[-1]
    assert (last.what, last.holds, last.needed) == ("write a file", False, True)
    assert os.strerror(errno.ENOTDIR) in last.follows or os.strerror(errno.EEXIST) in last.follows


def test_a_lock_that_is_no_lock_and_a_sync_that_fails_are_found(tmp_path, monkeypatch):
    def fails(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module.fcntl, "flock", lambda _file, _how: None)
    monkeypatch.setattr(module.os, "fsync", fails)
    bad = {finding.what: finding for finding in survey(tmp_path) if not finding.holds}
    assert set(bad) == {"lock a file against others (flock)", "sync a file and its folder"}
    assert all(finding.needed for finding in bad.values())
    assert os.strerror(errno.EIO) in bad["sync a file and its folder"].follows
