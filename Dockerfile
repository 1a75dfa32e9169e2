FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FACEADMIN_DATA=/data \
    FACEADMIN_HOST=0.0.0.0

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY --chown=root:root . .
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin faceadmin \
    && install -d -o faceadmin -g faceadmin -m 0750 /data
USER faceadmin
VOLUME /data
EXPOSE 8000

HEALTHCHECK --interval=30s --timeout=10s --start-period=90s \
    CMD ["python", "manage.py", "health"]
CMD ["python", "manage.py", "up"]
