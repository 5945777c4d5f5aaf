{{/* What the pods of `helm test` in the release's namespace have in common. */}}
{{- define "gantry.testPod" -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "gantry.podSecurity" . | nindent 2 }}
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end -}}
