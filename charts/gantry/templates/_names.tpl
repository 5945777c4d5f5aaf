{{- define "gantry.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Takes (list $ "component"). */}}
{{- define "gantry.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "gantry.labels" -}}
{{- $root := index . 0 -}}
{{ include "gantry.selector" . }}
app.kubernetes.io/part-of: gantry
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "gantry.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "gantry.workerImage" -}}
{{- .Values.worker.image | default (printf "ghcr.io/gantry-dev/worker:%s" (.Values.image.tag | default .Chart.AppVersion)) -}}
{{- end -}}

{{- define "gantry.checkpointWorkerImage" -}}
{{- .Values.processCheckpoints.workerImage | default (printf "ghcr.io/gantry-dev/worker-checkpoints:%s" (.Values.image.tag | default .Chart.AppVersion)) -}}
{{- end -}}

{{- define "gantry.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "gantry.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "gantry.secret" -}}
{{- .Values.existingSecret | default (printf "%s-secrets" (include "gantry.fullname" .)) -}}
{{- end -}}

{{- define "gantry.runsNamespace" -}}
{{- .Values.runs.namespace.name | default (printf "%s-runs" .Release.Namespace) -}}
{{- end -}}

{{/* Where runs are whose processes may be stored. */}}
{{- define "gantry.checkpointNamespace" -}}
{{- .Values.processCheckpoints.namespace.name | default (printf "%s-checkpoints" .Release.Namespace) -}}
{{- end -}}

{{/* The namespaces of runs, as JSON: {"all": […]}; the one of all runs first. */}}
{{- define "gantry.runsNamespaces" -}}
{{- $all := list (include "gantry.runsNamespace" .) -}}
{{- if .Values.processCheckpoints.enabled -}}{{- $all = append $all (include "gantry.checkpointNamespace" .) -}}{{- end -}}
{{- dict "all" $all | toJson -}}
{{- end -}}

{{/* The host name of a Service, from any namespace: (list $ "name"). */}}
{{- define "gantry.host" -}}
{{- $root := index . 0 -}}
{{ index . 1 }}.{{ $root.Release.Namespace }}.svc{{ with $root.Values.clusterDomain }}.{{ . }}{{ end }}
{{- end -}}

{{- define "gantry.internalUrl" -}}
http://{{ include "gantry.host" (list . (include "gantry.fullname" .)) }}:{{ .Values.service.port }}
{{- end -}}

{{- define "gantry.publicUrl" -}}
{{- if .Values.publicUrl -}}
{{- .Values.publicUrl -}}
{{- else if .Values.ingress.enabled -}}
{{- ternary "https" "http" .Values.ingress.tls.enabled -}}://{{ .Values.ingress.host }}
{{- end -}}
{{- end -}}

{{/*
Whether the cluster has an API, (list $ "group/version" ">=1.21-0"): by what it says, and by its version, as offline
`helm template` knows of nothing else.
*/}}
{{- define "gantry.hasApi" -}}
{{- $capabilities := (index . 0).Capabilities -}}
{{- if and ($capabilities.APIVersions.Has (index . 1)) (semverCompare (index . 2) $capabilities.KubeVersion.Version) -}}true{{- end -}}
{{- end -}}
