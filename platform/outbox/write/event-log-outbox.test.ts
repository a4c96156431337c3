import { eventLogContract } from '../../event-log/event-log.contract.ts'
import { makeOutboxHarness } from '../testing/outbox-harness.ts'

eventLogContract('outbox', () => makeOutboxHarness())
// A segment for nearly every commit: rotation and freeing under everything the contract asks for.
eventLogContract('outbox with tiny segments', () => makeOutboxHarness({ writer: { segmentBytes: 700, maintainEveryMs: 10 } }))
