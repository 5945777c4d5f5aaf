{{/* The decisions of values that depend on each other: "true" or empty. */}}
{{- define "gantry.severalReplicas" -}}
{{- if .Values.autoscaling.enabled -}}
{{- if gt (int .Values.autoscaling.maxReplicas) 1 -}}true{{- end -}}
{{- else if gt (int .Values.replicas) 1 -}}true{{- end -}}
{{- end -}}

{{- define "gantry.externalRedis" -}}
{{- if or .Values.externalRedis.url .Values.externalRedis.existingSecret -}}true{{- end -}}
{{- end -}}

{{- define "gantry.bundledRedis" -}}
{{- if and .Values.redis.enabled (include "gantry.severalReplicas" .) (not (include "gantry.externalRedis" .)) -}}true{{- end -}}
{{- end -}}

{{/* Whether the registry asks for a name and a password that the chart knows of. */}}
{{- define "gantry.registryHasCredentials" -}}
{{- if or .Values.registry.enabled .Values.externalRegistry.username .Values.externalRegistry.existingSecret -}}true{{- end -}}
{{- end -}}

{{- define "gantry.registryPushUrl" -}}
{{- if .Values.registry.enabled -}}
http://{{ include "gantry.fullname" . }}-registry:5000
{{- else -}}
{{- .Values.externalRegistry.pushUrl -}}
{{- end -}}
{{- end -}}

{{- define "gantry.registryPullUrl" -}}
{{- if not .Values.registry.enabled -}}
{{- .Values.externalRegistry.pullUrl -}}
{{- else if eq .Values.registry.nodeAccess "ingress" -}}
{{- .Values.registry.ingress.host -}}
{{- else -}}
localhost:{{ .Values.registry.hostPort }}
{{- end -}}
{{- end -}}

{{/* As people's machines reach it, for `gantry deploy --local-build`; empty where they do not. */}}
{{- define "gantry.registryPublicUrl" -}}
{{- if not .Values.registry.enabled -}}
{{- .Values.externalRegistry.publicUrl -}}
{{- else if eq .Values.registry.nodeAccess "ingress" -}}
{{- .Values.registry.ingress.host -}}
{{- end -}}
{{- end -}}

{{/* The Secret and its keys with the registry's user and password; the bundled one's user is always gantry. */}}
{{- define "gantry.registryEnv" -}}
{{- if .Values.registry.enabled -}}
- name: GANTRY_PLATFORM_REGISTRY_USERNAME
  value: gantry
- name: GANTRY_PLATFORM_REGISTRY_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ include "gantry.secret" . }}, key: registry-password } }
{{- else -}}
{{- $secret := .Values.externalRegistry.existingSecret | default (printf "%s-external" (include "gantry.fullname" .)) -}}
{{- $inline := not .Values.externalRegistry.existingSecret -}}
- name: GANTRY_PLATFORM_REGISTRY_USERNAME
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ ternary "registry-username" "username" $inline }} } }
- name: GANTRY_PLATFORM_REGISTRY_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ ternary "registry-password" "password" $inline }} } }
{{- end -}}
{{- end -}}

{{/* Whether a Job makes the pull secret in the runs' namespace, and what it is called; empty where pods need none. */}}
{{- define "gantry.makesPullSecret" -}}
{{- if and (include "gantry.registryHasCredentials" .) (or .Values.registry.enabled (not .Values.externalRegistry.pullSecret)) -}}true{{- end -}}
{{- end -}}

{{- define "gantry.pullSecret" -}}
{{- if include "gantry.makesPullSecret" . -}}
{{ include "gantry.fullname" . }}-registry-pull
{{- else if not .Values.registry.enabled -}}
{{- .Values.externalRegistry.pullSecret -}}
{{- end -}}
{{- end -}}

{{/* What GANTRY_PLATFORM_KUBERNETES_TEMPLATES holds; the pull secret is part of every pod. */}}
{{- define "gantry.templates" -}}
{{- $default := deepCopy .Values.runs.template -}}
{{- with include "gantry.pullSecret" . -}}
{{- $spec := get $default "spec" | default dict -}}
{{- $_ := set $spec "imagePullSecrets" (append (get $spec "imagePullSecrets" | default list) (dict "name" .)) -}}
{{- $_ := set $default "spec" $spec -}}
{{- end -}}
{{- dict "default" $default "presets" .Values.runs.machineTemplates "named" .Values.runs.templates | toJson -}}
{{- end -}}

{{/* Hardened to Pod Security "restricted". */}}
{{- define "gantry.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- define "gantry.podSecurity" -}}
runAsNonRoot: true
seccompProfile: { type: RuntimeDefault }
{{- end -}}
