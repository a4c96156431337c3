/** Request bodies that work against the flight-delay example. */
export const examples = {
  predict: {
    one: {
      summary: 'One flight',
      value: {
        request_id: 'flight-42',
        entities: { origin: 'SFO', destination: 'JFK' },
        anchor_time: '2001-06-04T12:00:00Z',
        features: { distance: 2586 },
      },
    },
    several: {
      summary: 'Several flights at once',
      value: {
        instances: [
          { entities: { origin: 'SFO', destination: 'JFK' }, features: { distance: 2586 } },
          { entities: { origin: 'OAK', destination: 'LAX' }, features: { distance: 337 } },
        ],
      },
    },
  },
  deployment: {
    challenger: {
      summary: 'Version 2 answers a tenth of the requests',
      value: { champion: '1', challengers: [{ version: '2', weight: 0.1 }], sticky_key: 'origin', reason: 'a first share for the windows' },
    },
  },
  infer: {
    one: {
      summary: 'One row of nine features',
      value: {
        id: 'flight-43',
        inputs: [{ name: 'features', shape: [1, 9], datatype: 'FP32', data: [[337, 18, 1, 40, 4.5, 55, -2.25, 38, 6]] }],
      },
    },
  },
  repositoryIndex: { ready: { summary: 'What can be asked now', value: { ready: true } } },
  labels: {
    one: {
      summary: 'What became of a request',
      value: { label: 'arrived_late', request_id: 'flight-42', value_number: 1, event_time: '2001-06-04T17:53:00Z' },
    },
  },
  events: {
    one: {
      summary: 'A flight landed',
      value: {
        event_id: 'landing-42',
        keys: { origin: 'SFO', destination: 'JFK' },
        values: { delay_minutes: 21 },
        event_time: '2001-06-04T17:53:00Z',
      },
    },
  },
} as const
