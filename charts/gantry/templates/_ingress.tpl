{{/* One host that leads to one Service's port `http`; `tlsSecret` empty for none. */}}
{{- define "gantry.ingress" -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .name }}
  labels: {{- include "gantry.labels" (list .root .component) | nindent 4 }}
  {{- with .annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with .tlsSecret }}
  tls:
    - { hosts: [{{ $.host | quote }}], secretName: {{ . }} }
  {{- end }}
  rules:
    - host: {{ .host | quote }}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: { service: { name: {{ .service }}, port: { name: http } } }
{{- end -}}
