"""Writes a machine into Nova's database: `python usage.py FOLDER PROJECT VCPUS MIB`.

There is no hypervisor and no conductor, so no machine is ever built; what one would use is counted all
the same. In the Python of the services' environment.
"""

import os
import sys

from nova import monkey_patch

monkey_patch.patch(backend="threading")

from nova import config, context, objects  # noqa: E402 - after the patch


def main() -> None:
    """Write it."""
    folder, project, vcpus, mib = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    os.chdir(folder)
    objects.register_all()
    config.parse_args(["nova", "--config-file", "nova/nova.conf"])
    admin = context.RequestContext(user_id="user", project_id=project, is_admin=True)
    (cell,) = [one for one in objects.CellMappingList.get_all(admin) if not one.is_cell0()]
    with context.target_cell(admin, cell) as there:
        made = objects.Instance(there)
        made.project_id, made.user_id, made.display_name = project, "user", "busy"
        made.vcpus, made.memory_mb, made.root_gb, made.vm_state = vcpus, mib, 40, "active"
        made.create()
    objects.InstanceMapping(
        admin,
        instance_uuid=made.uuid,
        cell_mapping=cell,
        project_id=project,
        user_id="user",
        queued_for_delete=False,
    ).create()


if __name__ == "__main__":
    main()
