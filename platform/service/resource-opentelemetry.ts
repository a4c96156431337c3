import { detectResources, envDetector, type Resource, resourceFromAttributes } from '@opentelemetry/resources'

/**
 * Names who sends: OTEL_SERVICE_NAME, else the `service.name` of OTEL_RESOURCE_ATTRIBUTES, else ours. Where all services have one
 * name, `hindsight.service` tells them apart.
 */
export function describeResource(service: string): { resource: Resource; notes: string[] } {
  const own = { 'service.name': `hindsight-${service}`, 'hindsight.service': service, 'process.pid': process.pid }
  const asked = detectResources({ detectors: [envDetector] })
  return { resource: resourceFromAttributes(own).merge(asked), notes: isLeftOut(asked) ? [malformed] : [] }
}

const malformed = 'OTEL_RESOURCE_ATTRIBUTES: malformed, and so none of it is taken'

/** Whether the SDK left out all attributes, which it does, and says nothing, when one of them is malformed. */
function isLeftOut({ attributes }: Resource): boolean {
  const said = (process.env['OTEL_RESOURCE_ATTRIBUTES'] ?? '').replaceAll(/[\s,]/g, '')
  const taken = Object.keys(attributes).filter((name) => name !== 'service.name' || said.startsWith('service.name='))
  return said !== '' && taken.length === 0
}
