# The registry on one volume. The configuration lies where the Go registry's images look for it, both old and new.
FROM python:3.13-slim AS packages
COPY requirements/run.txt /tmp/run.txt
RUN python -m venv /opt/moorage \
    && /opt/moorage/bin/python -m pip install --no-cache-dir --require-hashes -r /tmp/run.txt

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Moorage" \
      org.opencontainers.image.description="A container registry" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 65532 --no-create-home --shell /usr/sbin/nologin moorage \
    && install -d -o moorage -g moorage /var/lib/registry \
    && install -d /etc/distribution /etc/docker/registry \
    && ln -s /etc/distribution/config.yml /etc/docker/registry/config.yml
COPY --from=packages /opt/moorage /opt/moorage
COPY deploy/config.yml /etc/distribution/config.yml
COPY app /opt/moorage/src/app
COPY drivers /opt/moorage/src/drivers
COPY cache /opt/moorage/src/cache
ENV PATH=/opt/moorage/bin:$PATH \
    PYTHONPATH=/opt/moorage/src \
    PYTHONUNBUFFERED=1 \
    REGISTRY_CONFIGURATION_PATH=/etc/distribution/config.yml
RUN python -m compileall -q /opt/moorage/src
USER 65532:65532
VOLUME /var/lib/registry
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "app"]
CMD ["serve"]
