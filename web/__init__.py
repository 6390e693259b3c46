"""The REST API: Faust web views. They read tables and send events; they never call a cloud."""
