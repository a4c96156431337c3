import { eventLogContract } from './event-log.contract.ts'
import { makeNatsHarness } from './nats-harness.ts'
import { describeWithNats, natsBinaries } from './testing-nats.ts'

describeWithNats('the event log on NATS', () => {
  for (const binary of natsBinaries) eventLogContract(`nats-server ${binary.version}`, () => makeNatsHarness(binary))
})
