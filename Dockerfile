# docker build -t iamtui .      (or podman build)
# docker run --rm -it iamtui --demo
# The image is pinned by digest; tag and digest change together.
FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY iamtui iamtui
COPY themes themes
COPY docs/iamtui.1 docs/iamtui.1
RUN python -m venv /opt/iamtui \
 && /opt/iamtui/bin/python -m pip install --no-cache-dir --quiet --constraint constraints.txt --upgrade pip \
 && /opt/iamtui/bin/python -m pip install --no-cache-dir --quiet --constraint constraints.txt --build-constraint constraints.txt .

FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
COPY --from=build /opt/iamtui /opt/iamtui
# Nobody: what it reads is mounted, and credentials come from the environment or a mounted ~/.aws.
RUN useradd --create-home --uid 10001 iamtui
USER iamtui
WORKDIR /work
ENV PATH=/opt/iamtui/bin:$PATH TERM=xterm-256color COLORTERM=truecolor LANG=C.UTF-8
ENTRYPOINT ["iamtui"]
