"""A template of one machine, for tests of where it goes."""


def machine(cpus: int, *, network: str | None = None) -> str:
    """A machine of so many CPUs, in a network of this kind (PRIVATE, PUBLIC) if one is named."""
    endpoint = f"\n        endpoint: {{properties: {{network_name: {network}}}}}" if network else ""
    return f"""\
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  node_templates:
    machine:
      type: tosca.nodes.indigo.Compute
      capabilities:
        host: {{properties: {{num_cpus: {cpus}, mem_size: 1 GB}}}}{endpoint}
"""
