// Shifts a process's clock by `FAULTS_CLOCK_OFFSET_MS`. It is loaded before a service, and by its threads before anything could read
// TypeScript. Monotonic time goes on as it does.
const offsetMs = Number(process.env['FAULTS_CLOCK_OFFSET_MS'])
if (!Number.isFinite(offsetMs)) throw new Error('FAULTS_CLOCK_OFFSET_MS is not a number')
const RealDate = Date
const now = () => RealDate.now() + offsetMs

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
})
