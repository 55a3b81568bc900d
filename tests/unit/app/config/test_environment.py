import pytest

from app.config.load import ConfigurationError, load
from app.config.model import DescriptorCache, Level


@pytest.fixture
def config(tmp_path):
    """Load a file with some variables on top."""

    def loaded(
        environment, text="version: 0.1\nstorage: {filesystem: {rootdirectory: /srv}, delete: {enabled: true}}\n"
    ):
        path = tmp_path / "config.yml"
        path.write_text(text)
        return load(path, environment)

    return loaded


def test_a_variable_is_a_path_in_upper_case_and_its_value_is_yaml(config):
    found = config(
        {
            "REGISTRY_HTTP_ADDR": "0.0.0.0:80",
            "REGISTRY_STORAGE_DELETE_ENABLED": "false",
            "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/other",
            "REGISTRY_LOG_ACCESSLOG_DISABLED": "yes",
            "REGISTRY_STORAGE_CACHE": "{blobdescriptor: inmemory}",
            "REGISTRY_HTTP_SECRET": "007",
        }
    ).config
    assert found.http.addr == "0.0.0.0:80"
    assert not found.storage.delete.enabled
    assert found.storage.filesystem.rootdirectory == "/other"
    assert found.log.accesslog.disabled
    assert found.storage.cache.blobdescriptor is DescriptorCache.INMEMORY
    assert found.http.secret.reveal() == "007"


def test_variables_apply_over_the_built_in_configuration_too():
    found = load(None, {"REGISTRY_HTTP_ADDR": ":1234"}).config
    assert (found.http.addr, found.storage.filesystem.rootdirectory) == (":1234", "./data")


def test_a_driver_is_switched_by_its_name_and_the_rest_of_the_section_stays(config):
    storage = config({"REGISTRY_STORAGE": "inmemory"}).config.storage
    assert storage.filesystem is None
    assert storage.inmemory is not None
    assert storage.delete.enabled


def test_parameters_apply_after_the_switch_because_their_names_sort_later(config):
    environment = {"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/new", "REGISTRY_STORAGE": "filesystem"}
    found = config(environment, "version: 0.1\nstorage: {inmemory: }\n").config.storage
    assert (found.filesystem.rootdirectory, found.inmemory) == ("/new", None)


def test_elements_of_a_list_go_by_index_and_the_next_index_appends(config):
    text = "version: 0.1\nstorage: {inmemory: }\nvalidation: {manifests: {urls: {allow: [a, b]}}}\n"
    allow = "REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW"
    urls = config({f"{allow}_1": "B", f"{allow}_2": "C"}, text).config.validation.manifests.urls
    assert urls.allow == ("a", "B", "C")
    assert config({allow: "[x]"}, text).config.validation.manifests.urls.allow == ("x",)


def test_fields_of_list_elements_are_reached(config):
    prefix = "REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMLIST_0"
    found = config({f"{prefix}_OS": "linux", f"{prefix}_ARCHITECTURE": "arm64"}).config
    (platform,) = found.validation.manifests.indexes.platformlist
    assert (platform.os, platform.architecture) == ("linux", "arm64")


@pytest.mark.parametrize("index", ["1", "-1", "x", "99999999999"])
def test_an_index_that_leaves_a_gap_is_an_error(config, index):
    with pytest.raises(ConfigurationError, match="the list has 0 elements"):
        config({f"REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_{index}": "a"})


def test_keys_of_maps_are_lower_cased_and_may_hold_underscores(config):
    found = config({"REGISTRY_LOG_FIELDS_DATA_CENTER": "x", "REGISTRY_HTTP_HEADERS_X-Robots-Tag": "[none]"}).config
    assert found.log.fields == {"data_center": "x"}
    assert found.http.headers == {"x-robots-tag": ("none",)}


def test_a_variable_that_names_nothing_is_a_warning(config):
    loaded = config({"REGISTRY_HTTP_ADRESS": "x", "REGISTRY_STORAGE_FILESYSTEM_ROOT_DIRECTORY": "x"})
    assert [warning.partition(":")[0] for warning in loaded.warnings] == [
        "REGISTRY_HTTP_ADRESS",
        "REGISTRY_STORAGE_FILESYSTEM_ROOT_DIRECTORY",
    ]


def test_the_version_cant_be_set_by_a_variable(config):
    loaded = config({"REGISTRY_VERSION": "0.2"})
    assert loaded.config.version == "0.1"
    assert len(loaded.warnings) == 1


@pytest.mark.parametrize(
    "name",
    [
        "REGISTRY_PORT",
        "REGISTRY_SERVICE_HOST",
        "REGISTRY_SERVICE_PORT",
        "REGISTRY_SERVICE_PORT_HTTP",
        "REGISTRY_PORT_5000_TCP",
        "REGISTRY_PORT_5000_TCP_ADDR",
        "REGISTRY_PORT_5000_TCP_PROTO",
        "REGISTRY_AUTH_SERVICE_HOST",
        "REGISTRY_REDIS_PORT_6379_TCP",
        "REGISTRY_REDIS_PORT",
    ],
)
def test_what_kubernetes_sets_for_services_is_ignored(config, name):
    assert config({name: "tcp://10.0.0.1:5000"}).warnings == ()


def test_a_map_may_have_a_key_that_looks_like_what_kubernetes_sets(config):
    assert config({"REGISTRY_LOG_FIELDS_PORT": "5000"}).config.log.fields == {"port": "5000"}


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("REGISTRY_AUTH", "htpasswd", "auth"),
        ("REGISTRY_AUTH_HTPASSWD_REALM", "basic-realm", "auth"),
        ("REGISTRY_HTTP_TLS_CERTIFICATE", "/cert.pem", "http.tls"),
        ("REGISTRY_PROXY_REMOTEURL", "https://registry.example.com", "proxy"),
        ("REGISTRY_STORAGE_GCS_BUCKET", "b", "storage.gcs"),
        ("REGISTRY_REDIS_ADDRS", "[a]", "redis"),
    ],
)
def test_a_variable_for_a_feature_that_is_missing_stops_the_start(config, name, value, path):
    with pytest.raises(ConfigurationError, match=rf"{path}: not served by this version yet"):
        config({name: value})


def test_an_old_name_works_as_a_variable_too(config):
    assert config({"REGISTRY_LOGLEVEL": "debug"}).config.log.level is Level.DEBUG


def test_a_value_that_is_not_yaml_is_an_error_that_names_the_variable(config):
    with pytest.raises(ConfigurationError, match="REGISTRY_HTTP_ADDR: its value is not YAML"):
        config({"REGISTRY_HTTP_ADDR": "{"})
