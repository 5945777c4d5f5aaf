{{- /* Kubernetes puts $(POSTGRES_PASSWORD) in; it is hexadecimal, so it needs no escaping in a URL. */ -}}
{{- define "gantry.databaseEnv" -}}
{{- $name := include "gantry.fullname" . -}}
{{- if .Values.postgresql.enabled -}}
- name: POSTGRES_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ include "gantry.secret" . }}, key: postgres-password } }
- name: GANTRY_PLATFORM_DATABASE_URL
  value: postgres://gantry:$(POSTGRES_PASSWORD)@{{ $name }}-postgres:5432/gantry
{{- else if .Values.externalDatabase.existingSecret -}}
- name: GANTRY_PLATFORM_DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ .Values.externalDatabase.existingSecret }}, key: {{ .Values.externalDatabase.urlKey }} } }
{{- with .Values.externalDatabase.directUrlKey }}
- name: GANTRY_PLATFORM_DATABASE_DIRECT_URL
  valueFrom: { secretKeyRef: { name: {{ $.Values.externalDatabase.existingSecret }}, key: {{ . }} } }
{{- end }}
{{- else -}}
- name: GANTRY_PLATFORM_DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ $name }}-external, key: database-url } }
{{- if .Values.externalDatabase.directUrl }}
- name: GANTRY_PLATFORM_DATABASE_DIRECT_URL
  valueFrom: { secretKeyRef: { name: {{ $name }}-external, key: database-direct-url } }
{{- end }}
{{- end -}}
{{- end -}}

{{- define "gantry.redisEnv" -}}
{{- $name := include "gantry.fullname" . -}}
{{- if .Values.externalRedis.existingSecret -}}
- name: GANTRY_PLATFORM_REDIS_URL
  valueFrom: { secretKeyRef: { name: {{ .Values.externalRedis.existingSecret }}, key: {{ .Values.externalRedis.urlKey }} } }
{{- else if .Values.externalRedis.url -}}
- name: GANTRY_PLATFORM_REDIS_URL
  valueFrom: { secretKeyRef: { name: {{ $name }}-external, key: redis-url } }
{{- else if include "gantry.bundledRedis" . -}}
- name: REDIS_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ include "gantry.secret" . }}, key: redis-password } }
- name: GANTRY_PLATFORM_REDIS_URL
  value: redis://:$(REDIS_PASSWORD)@{{ $name }}-redis:6379
{{- end -}}
{{- end -}}

{{- define "gantry.signInEnv" -}}
{{- with .Values.signIn.setupSecret.existingSecret -}}
- name: GANTRY_PLATFORM_SETUP_SECRET
  valueFrom: { secretKeyRef: { name: {{ . }}, key: {{ $.Values.signIn.setupSecret.key }} } }
{{ end -}}
{{- with .Values.signIn.oidc.existingSecret -}}
- name: GANTRY_PLATFORM_OIDC_CLIENT_SECRET
  valueFrom: { secretKeyRef: { name: {{ . }}, key: {{ $.Values.signIn.oidc.secretKey }} } }
{{- end -}}
{{- end -}}

{{- /* An ingress is one proxy. */ -}}
{{- define "gantry.proxyHops" -}}
{{- if eq (toString .Values.signIn.proxyHops) "" -}}
{{- ternary 1 0 .Values.ingress.enabled -}}
{{- else -}}
{{- .Values.signIn.proxyHops -}}
{{- end -}}
{{- end -}}
