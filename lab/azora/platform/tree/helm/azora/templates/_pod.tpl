{{- define "azora.labels" -}}
app.kubernetes.io/part-of: azora
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
azora.example/git-revision: {{ .Values.revision | quote }}
{{- end }}

{{- define "azora.env" -}}
- {name: PORT, value: "8080"}
- {name: DATABASE_POOL_SIZE, value: {{ .Values.database.poolSize | quote }}}
- {name: PGHOST, value: {{ .Values.database.host }}}
- {name: PGDATABASE, value: {{ .Values.database.name }}}
- {name: PGUSER, value: {{ .Values.database.user }}}
{{- end }}

{{- define "azora.probes" -}}
startupProbe:
  httpGet: {path: {{ .startup }}, port: 8080}
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: {{ .seconds }}
  terminationGracePeriodSeconds: 1 # it never served anyone
readinessProbe:
  httpGet: {path: {{ .ready }}, port: 8080}
  periodSeconds: 2
  timeoutSeconds: 2
livenessProbe:
  httpGet: {path: /health, port: 8080}
  periodSeconds: 10
  timeoutSeconds: 5
{{- end }}

{{- define "azora.scrape" -}}
prometheus.io/scrape: "true"
prometheus.io/port: "8080"
prometheus.io/path: /metrics
{{- end }}
