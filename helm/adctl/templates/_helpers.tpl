{{- define "adctl.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "adctl.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "adctl.name" . -}}
{{- if regexMatch "^[0-9]" .Release.Name -}}{{- fail "names of Services begin with a letter: choose another release name, or set fullnameOverride" -}}{{- end -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "adctl.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: adctl
{{- end -}}

{{/* Selects the controller's pods; never changes, since a Deployment's selector cannot. */}}
{{- define "adctl.controllerSelector" -}}
app.kubernetes.io/name: adctl
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: controller
{{- end -}}

{{/* Selects the pods of the Jobs that the controller makes. */}}
{{- define "adctl.workerSelector" -}}
app.kubernetes.io/name: adctl
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: worker
{{- end -}}

{{- define "adctl.controllerServiceAccount" -}}
{{- default (ternary (printf "%s-controller" (include "adctl.fullname" .)) "default" .Values.serviceAccounts.controller.create) .Values.serviceAccounts.controller.name -}}
{{- end -}}

{{- define "adctl.workerServiceAccount" -}}
{{- default (ternary (printf "%s-worker" (include "adctl.fullname" .)) "default" .Values.serviceAccounts.worker.create) .Values.serviceAccounts.worker.name -}}
{{- end -}}

{{- define "adctl.image" -}}
{{- $image := .Values.image -}}
{{- $tag := default .Chart.AppVersion $image.tag -}}
{{- if eq $tag "latest" -}}{{- fail "image.tag must not be 'latest': nobody could tell what ran" -}}{{- end -}}
{{- required "image.repository is needed: where your image of adctl lies" $image.repository }}:{{ $tag }}{{ with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{/* Address of the NATS server: the given one, or the own one's. */}}
{{- define "adctl.natsUrl" -}}
{{- if .Values.messaging.url -}}
{{- if .Values.nats.enabled -}}{{- fail "messaging.url and nats.enabled exclude each other: there would be two servers" -}}{{- end -}}
{{- if contains "@" .Values.messaging.url -}}{{- fail "messaging.url must not hold a user or password; seeds come from Secrets" -}}{{- end -}}
{{- .Values.messaging.url -}}
{{- else if .Values.nats.enabled -}}
{{- printf "%s://%s-nats:4222" (ternary "tls" "nats" (ne (default "" .Values.nats.tlsSecret) "")) .Release.Name -}}
{{- else -}}
{{- fail "no NATS server: set messaging.url to one that is there, or nats.enabled: true" -}}
{{- end -}}
{{- end -}}

{{- define "adctl.natsTls" -}}
{{- if or .Values.messaging.tls.enabled (and .Values.nats.enabled (default "" .Values.nats.tlsSecret)) -}}true{{- end -}}
{{- end -}}

{{/* The Secret with the authority of the server's certificate, or nothing. */}}
{{- define "adctl.natsCaSecret" -}}
{{- if .Values.messaging.tls.caSecret.name -}}
{{- .Values.messaging.tls.caSecret.name -}}
{{- else if .Values.nats.enabled -}}
{{- default "" .Values.nats.tlsSecret -}}
{{- end -}}
{{- end -}}

{{/* `true` when a folder lies in one of the volumes. */}}
{{- define "adctl.isMounted" -}}
{{- $root := .root -}}
{{- range .volumes -}}
{{- if or (eq $root .mountPath) (hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) $root) -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{/* Folders that sweeps may read, joined as in PATH. One that is not mounted everywhere would fail in the middle of a sweep. */}}
{{- define "adctl.dataRoots" -}}
{{- range $root := .Values.dataRoots -}}
{{- if not (include "adctl.isMounted" (dict "root" $root "volumes" $.Values.controller.volumes)) -}}
{{- fail (printf "dataRoots: no volume of controller.volumes holds %s" $root) -}}
{{- end -}}
{{- range $pool := $.Values.pools -}}
{{- if not (include "adctl.isMounted" (dict "root" $root "volumes" (concat $.Values.workers.volumes (default list $pool.volumes)))) -}}
{{- fail (printf "dataRoots: no volume of workers.volumes or of pool %s holds %s" $pool.name $root) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- join ":" .Values.dataRoots -}}
{{- end -}}

{{/* Variables that controller and workers share, as a list. Secrets come as files or by reference. */}}
{{- define "adctl.sharedEnv" -}}
- { name: ADCTL_NATS_URL, value: {{ include "adctl.natsUrl" . | quote }} }
- { name: ADCTL_NATS_NAMESPACE, value: {{ .Values.messaging.namespace | quote }} }
- { name: ADCTL_NATS_NKEY_SEED_FILE, value: /etc/adctl/nats/seed }
{{- if include "adctl.natsTls" . }}
- { name: ADCTL_NATS_TLS, value: "1" }
{{- end }}
{{- if include "adctl.natsCaSecret" . }}
- { name: ADCTL_NATS_CA_FILE, value: /etc/adctl/nats-ca/ca.crt }
{{- end }}
- { name: ADCTL_ACK_WAIT_MS, value: {{ .Values.controller.ackWaitMs | int64 | quote }} }
{{- with include "adctl.dataRoots" . }}
- { name: ADCTL_DATA_ROOTS, value: {{ . | quote }} }
{{- end }}
- { name: ADCTL_OBJECTS, value: s3 }
- { name: ADCTL_S3_BUCKET, value: {{ required "objectStore.bucket is needed: checkpoints and results are kept there" .Values.objectStore.bucket | quote }} }
{{- with .Values.objectStore }}
{{- with .prefix }}
- { name: ADCTL_S3_PREFIX, value: {{ . | quote }} }
{{- end }}
{{- with .region }}
- { name: ADCTL_S3_REGION, value: {{ . | quote }} }
{{- end }}
{{- with .endpoint }}
- { name: ADCTL_S3_ENDPOINT, value: {{ . | quote }} }
{{- end }}
{{- if not (kindIs "invalid" .pathStyle) }}
- { name: ADCTL_S3_PATH_STYLE, value: {{ ternary "1" "0" .pathStyle | quote }} }
{{- end }}
{{- with .checksums }}
- { name: ADCTL_S3_CHECKSUMS, value: {{ . | quote }} }
{{- end }}
{{- with .degraded }}
- { name: ADCTL_S3_DEGRADED, value: {{ . | quote }} }
{{- end }}
{{- with .credentialsSecret }}
{{- if .name }}
- { name: AWS_ACCESS_KEY_ID, valueFrom: { secretKeyRef: { name: {{ .name }}, key: {{ .accessKeyIdKey }} } } }
- { name: AWS_SECRET_ACCESS_KEY, valueFrom: { secretKeyRef: { name: {{ .name }}, key: {{ .secretAccessKeyKey }} } } }
{{- with .sessionTokenKey }}
- { name: AWS_SESSION_TOKEN, valueFrom: { secretKeyRef: { name: {{ $.Values.objectStore.credentialsSecret.name }}, key: {{ . }} } } }
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The pools file that the controller reads. */}}
{{- define "adctl.poolsFile" -}}
{{- $worker := include "adctl.workerServiceAccount" . -}}
{{- $volumes := list -}}
{{- with include "adctl.natsCaSecret" . -}}
{{- $volumes = append $volumes (dict "name" "nats-ca" "mountPath" "/etc/adctl/nats-ca" "readOnly" true "source" (dict "secret" (dict "secretName" . "items" (list (dict "key" $.Values.messaging.tls.caSecret.key "path" "ca.crt"))))) -}}
{{- end -}}
{{- $env := include "adctl.sharedEnv" . | fromYamlArray -}}
{{- $pools := list -}}
{{- range .Values.pools -}}
{{/* A pool's own credential is a user of the pool's name. */}}
{{- $seed := default $.Values.messaging.workerSeed .natsSeed -}}
{{- $identity := dict "name" "ADCTL_NATS_IDENTITY" "value" (default .name $seed.identity) -}}
{{- $items := list (dict "key" (default "seed" $seed.key) "path" "seed") -}}
{{- $file := dict "name" "nats-seed" "mountPath" "/etc/adctl/nats" "readOnly" true "source" (dict "secret" (dict "secretName" $seed.secret "defaultMode" 0440 "items" $items)) -}}
{{- $own := dict "env" (prepend (default list .env) $identity) "volumes" (prepend (default list .volumes) $file) -}}
{{- $pools = append $pools (merge $own (omit . "natsSeed") (dict "serviceAccount" $worker)) -}}
{{- end -}}
{{- dict "imagePullSecrets" .Values.imagePullSecrets "env" (concat $env .Values.workers.env) "volumes" (default list (concat $volumes .Values.workers.volumes)) "pools" $pools | toYaml -}}
{{- end -}}

{{/* Restricted Pod Security, for a pod and for a container. */}}
{{- define "adctl.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "adctl.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* An egress rule: ports, and where to; no addresses mean all. */}}
{{- define "adctl.egress" }}
{{- $ports := .ports }}
- ports:
    {{- range $ports }}
    - { protocol: TCP, port: {{ . }} }
    {{- end }}
  {{- with .cidrs }}
  to:
    {{- range . }}
    - { ipBlock: { cidr: {{ . }} } }
    {{- end }}
  {{- end }}
{{- end }}
