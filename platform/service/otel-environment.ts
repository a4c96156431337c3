/** How one signal is sent; the SDK reads the other variables about it itself. */
export type OtlpSignal = { protocol: (typeof protocols)[number] }

/** The signals that OpenTelemetry's variables ask for, as far as the parts of its SDK that are used here do not read them. An undefined one is not sent. */
export type OtelEnvironment = {
  traces: OtlpSignal | undefined
  metrics: (OtlpSignal & { intervalMs: number; timeoutMs: number }) | undefined
  /** A line for each value that is not supported. */
  notes: string[]
}

type Env = Readonly<Record<string, string | undefined>>
type WarningSink = (line: string) => void

const protocols = ['http/json', 'http/protobuf'] as const
/** The defaults that OpenTelemetry's specification gives. */
const defaultIntervalMs = 60_000
const defaultTimeoutMs = 30_000
/** Exporters that are no fault though nothing is sent to them: metrics can always be fetched. */
const elsewhere: Record<string, readonly string[]> = { TRACES: [], METRICS: ['prometheus'] }
const readPropagators = ['tracecontext', 'baggage']

/** Reads OpenTelemetry's variables. An empty one counts as unset, and an unsupported value is never taken for another: its signal is not sent. */
export function readOtelEnvironment(env: Env): OtelEnvironment {
  const notes: string[] = []
  const note: WarningSink = (line) => void notes.push(line)
  if (isDisabled(env, note)) return { traces: undefined, metrics: undefined, notes }
  const [traces, metrics] = [readSignal(env, 'TRACES', note), readSignal(env, 'METRICS', note)]
  if (traces !== undefined) noteOtherPropagators(env, note)
  if (metrics === undefined) return { traces, metrics, notes }
  const intervalMs = readMs(env, { name: 'OTEL_METRIC_EXPORT_INTERVAL', otherwise: defaultIntervalMs, note })
  const timeoutMs = readMs(env, { name: 'OTEL_METRIC_EXPORT_TIMEOUT', otherwise: defaultTimeoutMs, note })
  return { traces, metrics: { ...metrics, intervalMs, timeoutMs: Math.min(timeoutMs, intervalMs) }, notes }
}

function read(env: Env, ...names: readonly string[]): { name: string; value: string } | undefined {
  const name = names.find((candidate) => (env[candidate] ?? '').trim() !== '')
  return name === undefined ? undefined : { name, value: env[name]!.trim() }
}

function isDisabled(env: Env, note: WarningSink): boolean {
  const value = read(env, 'OTEL_SDK_DISABLED')?.value.toLowerCase() ?? 'false'
  if (value !== 'true' && value !== 'false') note('OTEL_SDK_DISABLED: neither true nor false, and so not true')
  return value === 'true'
}

function readSignal(env: Env, signal: 'TRACES' | 'METRICS', note: WarningSink): OtlpSignal | undefined {
  const [exporter, endpoint] = [`OTEL_${signal}_EXPORTER`, `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]
  const asked = read(env, exporter)
    ?.value.split(',')
    .map((name) => name.trim().toLowerCase())
  const unknown = asked?.filter((name) => !['otlp', 'none', '', ...elsewhere[signal]!].includes(name)) ?? []
  const sent = asked === undefined ? read(env, endpoint, 'OTEL_EXPORTER_OTLP_ENDPOINT') !== undefined : asked.includes('otlp')
  const what = signal.toLowerCase()
  if (unknown.length > 0) note(`${exporter}: ${unknown.join(', ')} is not done, only otlp and none${sent ? '' : `; ${what} are not sent`}`)
  if (!sent) return undefined
  const said = read(env, `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`, 'OTEL_EXPORTER_OTLP_PROTOCOL')
  const protocol = protocols.find((known) => known === (said?.value ?? protocols[0]))
  if (protocol !== undefined) return { protocol }
  note(`${said?.name}: ${said?.value} is not done, only ${protocols.join(' and ')}; ${what} are not sent`)
  return undefined
}

function noteOtherPropagators(env: Env, note: WarningSink): void {
  const asked =
    read(env, 'OTEL_PROPAGATORS')
      ?.value.split(',')
      .map((name) => name.trim()) ?? readPropagators
  const others = asked.filter((name) => !readPropagators.includes(name))
  if (others.length > 0) note(`OTEL_PROPAGATORS: ${others.join(', ')} is not done; the header traceparent is read, and no other`)
}

function readMs(env: Env, { name, otherwise, note }: { name: string; otherwise: number; note: WarningSink }): number {
  const value = read(env, name)?.value
  if (value === undefined) return otherwise
  // A timer of Node.js with more than 31 bits goes off at once.
  if (/^\d{1,9}$/.test(value) && Number(value) > 0) return Number(value)
  note(`${name}: not a number of milliseconds above 0, and so ${otherwise}`)
  return otherwise
}
