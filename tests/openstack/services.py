"""The OpenStack services of the tests: what each is configured with. Needs nothing but Python.

All paths are relative to the folder that the services run in, so that databases that were made once can
be copied. One thread serves each: several would lock each other out of the database.
"""

from pathlib import Path

PASSWORD = "secret"
SERVICES = ("glance", "placement", "nova", "neutron", "cinder")
MODULES = {
    "glance": "glance.wsgi.api",
    "placement": "placement.wsgi.api",
    "nova": "nova.wsgi.osapi_compute",
    "neutron": "neutron.wsgi.api",
    "cinder": "cinder.wsgi.api",
}
TYPES = {
    "glance": "image",
    "placement": "placement",
    "nova": "compute",
    "neutron": "network",
    "cinder": "block-storage",
}
PATHS = {"nova": "/v2.1", "cinder": "/v3"}

_LOGIN = """auth_url = http://127.0.0.1:{keystone}/v3
auth_type = password
project_domain_id = default
user_domain_id = default
project_name = service
username = service
password = {password}
"""
_AUTH = "[keystone_authtoken]\nwww_authenticate_uri = http://127.0.0.1:{keystone}/v3\n" + _LOGIN

_CONFIGS = {
    "glance/glance-api.conf": """[DEFAULT]
log_file = glance/log
enabled_backends = fs:file
use_keystone_limits = False
transport_url = fake://
[database]
connection = sqlite:///glance/db
[glance_store]
default_backend = fs
[fs]
filesystem_store_datadir = {folder}/glance/images
[paste_deploy]
flavor = keystone
config_file = {home}/etc/glance/glance-api-paste.ini
[oslo_concurrency]
lock_path = {folder}/glance/lock
"""
    + _AUTH,
    "placement/placement.conf": """[DEFAULT]
log_file = placement/log
[placement_database]
connection = sqlite:///placement/db
[api]
auth_strategy = keystone
"""
    + _AUTH,
    "nova/nova.conf": """[DEFAULT]
log_file = nova/log
transport_url = fake://
my_ip = 127.0.0.1
host = hypervisor
state_path = {folder}/nova
compute_driver = fake.FakeDriver
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
# the fake hypervisor has nothing to look after, and nobody reports that it is up
periodic_enable = false
report_interval = 3600
service_down_time = 86400
[database]
connection = sqlite:///nova/db?timeout=30
[api_database]
connection = sqlite:///nova/api_db?timeout=30
[api]
auth_strategy = keystone
[wsgi]
api_paste_config = {home}/etc/nova/api-paste.ini
[oslo_concurrency]
lock_path = {folder}/nova/lock
[placement]
region_name = RegionOne
"""
    + _LOGIN
    + """[neutron]
region_name = RegionOne
"""
    + _LOGIN
    # without it Neutron does not let Nova delete the port of a machine
    + """[service_user]
send_service_user_token = true
"""
    + _LOGIN
    + _AUTH,
    "neutron/neutron.conf": """[DEFAULT]
log_file = neutron/log
transport_url = fake://
core_plugin = ml2
service_plugins = router
auth_strategy = keystone
api_paste_config = {home}/etc/neutron/api-paste.ini
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[database]
connection = sqlite:///neutron/db
[ml2]
type_drivers = local,flat,vxlan
tenant_network_types = vxlan
mechanism_drivers = openvswitch
extension_drivers = port_security
[ml2_type_flat]
flat_networks = *
[ml2_type_vxlan]
vni_ranges = 1:1000
[oslo_concurrency]
lock_path = {folder}/neutron/lock
"""
    + _AUTH,
    "cinder/cinder.conf": """[DEFAULT]
log_file = cinder/log
transport_url = fake://
auth_strategy = keystone
api_paste_config = {home}/etc/cinder/api-paste.ini
state_path = {folder}/cinder
enabled_backends = dummy
[dummy]
volume_driver = cinder.tests.fake_driver.FakeLoggingVolumeDriver
volume_backend_name = dummy
[database]
connection = sqlite:///cinder/db
[oslo_concurrency]
lock_path = {folder}/cinder/lock
"""
    + _AUTH,
}


def configure(folder: Path, home: Path, keystone: int) -> None:
    """Write the configuration of all services; `home` is their environment, `keystone` a port."""
    for name, text in _CONFIGS.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        told = {"folder": folder, "home": home, "keystone": keystone, "password": PASSWORD}
        file.write_text(text.format(**told))
    (folder / "nova" / "api-paste.ini").write_text((home / "etc/nova/api-paste.ini").read_text())
    (folder / "glance" / "images").mkdir(exist_ok=True)


def variables(folder: Path) -> dict[str, str]:
    """The environment in which the services find their configuration."""
    folders = {
        f"OS_{name.upper()}_CONFIG_DIR": str(folder / name)
        for name in ("glance", "placement", "nova", "neutron")
    }
    return folders | {"PYTHONWARNINGS": "ignore", "OS_NEUTRON_CONFIG_FILES": "neutron.conf"}
