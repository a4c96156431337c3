import { register } from 'node:module'

/** Takes the event log out of a gateway: an event is neither built into a record nor written. For comparison only. */
const hooks = `
export async function load(url, context, next) {
  if (!url.includes('/gateway/predict/append-events.ts')) return next(url, context)
  return { format: 'module', shortCircuit: true, source: 'export async function appendEvents() {}' }
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
