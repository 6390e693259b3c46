"""The Faust application: defined here, filled by the modules of MODULES."""

from typing import Final

from paas_stream.durable.app import DurableApp
from paas_stream.settings import get_settings

MODULES: Final = [
    "tables",
    "agents.deployment_tracker",
    "agents.template_parser",
    "agents.provider_catalog",
    "agents.quota_keeper",
    "agents.provider_selector",
    "agents.ai_ranker",
    "agents.training_data",
    "agents.ranker_memory",
    "agents.model_register",
    "agents.trainer",
    "agents.im_dispatcher",
    "agents.feeder",
    "agents.rally",
    "agents.rally_runs",
    "agents.reference",
    "agents.heartbeat",
    "web.views",
]

settings = get_settings()
app = DurableApp(
    settings,
    datadir=settings.state.dir / "workers" / settings.web.worker / "data",
    web_host=settings.web.host,
    web_bind=settings.web.host,
    web_port=settings.web.port,
    canonical_url=settings.web.url or settings.local_url,
    autodiscover=MODULES,
    web_application_options={"client_max_size": settings.web.max_body_bytes},
)
