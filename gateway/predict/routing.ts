import { ServiceError } from '../../contracts/errors.ts'
import type { PredictionEvent } from '../../contracts/prediction-event.ts'
import { knownNames } from '../../platform/text/known-names.ts'
import { chooseChallenger } from './choose-challenger.ts'
import { fitsSentRow } from './sent-row.ts'
import type { ServingModel, ServingVersion } from './serving-model.ts'
import { type Instance } from './prediction.ts'

/** A version, why it predicts, how likely that was for this request, and the deployment's revision that decided it. */
export type Routed = { serving: ServingVersion; route: PredictionEvent['route']; probability: number; revision: number }

/** Instances of a request that one version answers. */
export type Routing = { routed: Routed; instances: Instance[] }

type RoutingRequest = { pinned: string | undefined; requestId: string; instances: Instance[] }

/**
 * Who answers, and who only watches. A pinned version answers; else champion and challengers by their weights, the same
 * one for an entity (the deployment's sticky key) or, where that is not named, for a request id. The deployment's shadows
 * run on every request.
 */
export function routeRequest(model: ServingModel, asked: RoutingRequest): { answering: Routing[]; shadows: Routed[] } {
  const { revision, shadows } = model.deployment
  const answering = asked.pinned === undefined ? routeByShares(model, asked) : [pin(model, asked.pinned, asked.instances)]
  const watching: Routed[] = []
  for (const version of shadows) {
    const serving = model.versions.get(version)
    const isElsewhere = answering.some(({ routed }) => routed.serving.version !== version)
    if (serving !== undefined && isElsewhere) watching.push({ serving, route: 'shadow', probability: 1, revision })
  }
  return { answering, shadows: watching }
}

function pin(model: ServingModel, version: string, instances: Instance[]): Routing {
  const { revision } = model.deployment
  return { routed: { serving: pinnedOf(model, version), route: 'pinned', probability: 1, revision }, instances }
}

/** A challenger that is not served, or cannot answer what was sent, leaves its share to the champion. */
function routeByShares(model: ServingModel, { requestId, instances }: RoutingRequest): Routing[] {
  const { champion, challengers, sticky_key: role, revision } = model.deployment
  const serving = championOf(model, champion)
  const able = challengers.filter(({ version }) => canAnswer(model.versions.get(version), serving, instances))
  const rest = able.reduce((left, { weight }) => left - weight, 1)
  const toChampion: Routed = { serving, route: 'champion', probability: able.length === 0 ? 1 : round(rest), revision }
  if (able.length === 0) return [{ routed: toChampion, instances }]
  const groups = new Map<string, Routing>()
  for (const instance of instances) {
    const key = (role === undefined ? undefined : entityOf(instance, role)) ?? requestId
    const chosen = chooseChallenger({ model: model.definition.name, key, challengers: able })
    const { version, weight } = chosen ?? { version: champion, weight: 1 }
    const group = groups.get(version)
    if (group !== undefined) group.instances.push(instance)
    else if (chosen === undefined) groups.set(version, { routed: toChampion, instances: [instance] })
    else groups.set(version, { routed: toChallenger(model, { version, weight }), instances: [instance] })
  }
  return [...groups.values()]
}

function toChallenger(model: ServingModel, { version, weight }: { version: string; weight: number }): Routed {
  return { serving: model.versions.get(version)!, route: 'challenger', probability: weight, revision: model.deployment.revision }
}

function canAnswer(challenger: ServingVersion | undefined, champion: ServingVersion, [first]: readonly Instance[]): boolean {
  return challenger !== undefined && (first?.row === undefined || fitsSentRow({ challenger, champion, row: first.row }))
}

function entityOf({ entities }: Instance, role: string): string | undefined {
  return Object.hasOwn(entities, role) ? entities[role] : undefined
}

/** The probability without what subtracting decimal fractions leaves behind. */
function round(probability: number): number {
  return Math.round(probability * 1e12) / 1e12
}

function championOf(model: ServingModel, champion: string): ServingVersion {
  const serving = model.versions.get(champion)
  if (serving !== undefined) return serving
  const reason = model.refused.get(champion) ?? 'it is not in the project'
  throw new ServiceError('not_ready', `the champion of ${model.definition.name}, version ${champion}, is not served: ${reason}`)
}

function pinnedOf(model: ServingModel, version: string): ServingVersion {
  const serving = model.versions.get(version)
  if (serving !== undefined) return serving
  const refused = model.refused.get(version)
  const reason = refused ?? (model.projectModel.versions.has(version) ? 'its deployment keeps only what it names in memory' : undefined)
  const message = reason === undefined ? `has no version ${version}` : `does not serve version ${version}: ${reason}`
  throw new ServiceError('unknown_version', `${model.definition.name} ${message}`, {
    path: 'options.version',
    hint: knownNames(version, model.versions.keys()),
  })
}
