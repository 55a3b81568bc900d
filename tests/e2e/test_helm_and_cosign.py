"""helm charts, and signatures by cosign."""

from __future__ import annotations

import pytest

from tests.support import images
from tests.support.programs import run

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def test_helm_pulls_the_chart_that_it_pushed(tmp_path, repository, reference, monkeypatch):
    for variable in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    (tmp_path / "out").mkdir()
    run("helm", "create", "boat", cwd=tmp_path)
    run("helm", "package", "boat", cwd=tmp_path)
    run("helm", "push", "--plain-http", "boat-0.1.0.tgz", f"oci://{reference}", cwd=tmp_path)
    run("helm", "pull", "--plain-http", f"oci://{reference}/boat", "--version", "0.1.0", "-d", "out", cwd=tmp_path)
    assert (tmp_path / "out" / "boat-0.1.0.tgz").read_bytes() == (tmp_path / "boat-0.1.0.tgz").read_bytes()


def test_cosign_verifies_what_it_signed_and_nothing_else(tmp_path, plain, repository, reference):
    image, other = images.image(70), images.image(71)
    plain.push(repository, image, "v1")
    plain.push(repository, other, "v2")
    insecure = ("--allow-insecure-registry", "--allow-http-registry")

    def cosign(*arguments):
        return run("cosign", *arguments, cwd=tmp_path, COSIGN_PASSWORD="", HOME=str(tmp_path))

    cosign("generate-key-pair")
    offline = ("--use-signing-config=false", "--tlog-upload=false")
    cosign("sign", *insecure, "--yes", *offline, "--key", "cosign.key", f"{reference}@{image.digest}")
    verify = ("verify", *insecure, "--insecure-ignore-tlog=true", "--key", "cosign.pub")
    assert image.digest in cosign(*verify, f"{reference}:v1")
    with pytest.raises(AssertionError, match="no signatures found"):
        cosign(*verify, f"{reference}:v2")
