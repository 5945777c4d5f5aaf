FROM registry.example/gantry/worker:0.1.0
USER root
RUN apt-get update && apt-get install -y --no-install-recommends imagemagick poppler-utils && rm -rf /var/lib/apt/lists/*
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
ENV FFMPEG_PATH="/usr/bin/ffmpeg"
ARG FONTS="noto"
COPY --from=fonts:1 /fonts /usr/share/fonts
RUN fc-cache --force
USER 1000
ADD ["0-externals.tar.gz","/"]
ADD ["1-files.tar.gz","/"]
ADD ["2-bundle.tar.gz","/"]
ENV GANTRY_BUNDLE_DIR="/app/bundle"
ENV GANTRY_BUNDLE_ENTRY="entry.mjs"
LABEL dev.gantry.environment="prod"
LABEL dev.gantry.project="shop"
