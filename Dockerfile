# The worker and the command line. Neither Kafka nor the Infrastructure Manager is in it.
FROM python:3.11-slim AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/paas-stream
COPY requirements/run.txt requirements/
RUN /opt/paas-stream/bin/pip install --require-hashes --only-binary :all: -r requirements/run.txt
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY paas_stream paas_stream
COPY agents agents
COPY tables tables
COPY web web
COPY k8s k8s
RUN /opt/paas-stream/bin/pip install --no-deps .

FROM python:3.11-slim
RUN useradd --uid 10001 --no-log-init --create-home --home-dir /var/lib/paas-stream paas-stream
COPY --from=build /opt/paas-stream /opt/paas-stream
ENV PATH=/opt/paas-stream/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PAAS_STATE_DIR=/var/lib/paas-stream
USER 10001:10001
WORKDIR /var/lib/paas-stream
VOLUME /var/lib/paas-stream
EXPOSE 6066
ENTRYPOINT ["paas-stream"]
CMD ["worker"]
