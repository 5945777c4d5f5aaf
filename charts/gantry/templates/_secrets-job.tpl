{{/*
A Job with the rights to one Secret and no more, as a hook: it is there for a moment only. Takes a dict: root, name, when
(hook), namespace (of the Secret), secret (its name), args, env.
*/}}
{{- define "gantry.secretsJob" -}}
{{- $root := .root -}}
{{- $labels := include "gantry.labels" (list $root "secrets") -}}
{{- $hook := printf "helm.sh/hook: %s\nhelm.sh/hook-delete-policy: before-hook-creation,hook-succeeded" .when -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  labels: {{- $labels | nindent 4 }}
  annotations:
    {{- $hook | nindent 4 }}
    helm.sh/hook-weight: "-10"
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels: {{- $labels | nindent 4 }}
  annotations:
    {{- $hook | nindent 4 }}
    helm.sh/hook-weight: "-10"
rules:
  # What is to be created has no name yet that a rule could be bound to.
  - { apiGroups: [""], resources: [secrets], verbs: [create] }
  - { apiGroups: [""], resources: [secrets], resourceNames: [{{ .secret }}], verbs: [get, patch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels: {{- $labels | nindent 4 }}
  annotations:
    {{- $hook | nindent 4 }}
    helm.sh/hook-weight: "-9"
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ .name }} }
subjects:
  - { kind: ServiceAccount, name: {{ .name }}, namespace: {{ $root.Release.Namespace }} }
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .name }}
  labels: {{- $labels | nindent 4 }}
  annotations:
    {{- $hook | nindent 4 }}
    helm.sh/hook-weight: "0"
spec:
  backoffLimit: 3
  template:
    metadata:
      labels: {{- include "gantry.selector" (list $root "secrets") | nindent 8 }}
    spec:
      restartPolicy: Never
      serviceAccountName: {{ .name }}
      automountServiceAccountToken: true
      enableServiceLinks: false
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- include "gantry.podSecurity" $root | nindent 8 }}
        {{- toYaml $root.Values.podSecurityContext | nindent 8 }}
      {{- with $root.Values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: secrets
          image: {{ include "gantry.image" $root }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: {{- toYaml .args | nindent 12 }}
          securityContext: {{- include "gantry.containerSecurity" $root | nindent 12 }}
          {{- with .env }}
          env:
            {{- . | nindent 12 }}
          {{- end }}
          resources:
            requests: { cpu: 50m, memory: 96Mi }
            limits: { memory: 256Mi }
{{- end -}}
