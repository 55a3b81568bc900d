from app.config.load import load
from app.config.show import as_yaml


def test_what_is_shown_can_be_loaded_again_and_means_the_same(tmp_path):
    config = load(None, {"REGISTRY_HTTP_DRAINTIMEOUT": "1m30s", "REGISTRY_MOORAGE_LIMITS_MANIFESTSIZE": "5000"}).config
    path = tmp_path / "shown.yml"
    path.write_text(as_yaml(config))
    assert load(path, {}).config == config


def test_secrets_are_stars():
    shown = as_yaml(load(None, {"REGISTRY_HTTP_SECRET": "hunter2"}).config)
    assert "hunter2" not in shown
    assert "secret: '***'" in shown
