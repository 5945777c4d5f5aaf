{{/* A PersistentVolumeClaim's spec. */}}
{{- define "gantry.claim" -}}
accessModes: [{{ .accessMode }}]
{{- if eq .storageClass "-" }}
storageClassName: ""
{{- else if .storageClass }}
storageClassName: {{ .storageClass }}
{{- end }}
resources: { requests: { storage: {{ .size }} } }
{{- end -}}
