"""Which providers can host a template, and why the others cannot.

Pure: no Faust, no clock. Only `provider_files`, `credentials` and `rally_files` read anything, when
told to.
"""
