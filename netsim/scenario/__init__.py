"""The scenario: every key a run can be given, checked, with its unit, default and equation.

In reading order:

| file | what lives there |
|---|---|
| section.py | what all sections share: frozen, unknown keys refused, each key with a meaning |
| model.py | the whole scenario, and the rules that join its sections |
| radio.py | sections of the network: sites, UEs, radio, downlink, how a round goes in time |
| training.py | sections of what UEs compute and learn: devices, modules, model, data, scheme |
| upload.py | section of what uploads are encoded as |
| privacy.py | section of differential privacy |
| flower.py | the section of a run that a Flower app drives |
| partition.py | the section on how training rows are dealt to the UEs |
| presets.py | named sets of radio keys |
| motion.py | sections of what changes during a run: mobility, channel traces |
| choices.py | what a section chooses by name: it exists, and takes the parameters given |
| parameters.py | parameters of plug-ins, typed by their fields |
| plugin_faults.py | exceptions that a plug-in raises: whose they are |
| dotted.py | values by their dotted keys, and a scenario as a card |
| limits.py | what no value may exceed, whichever key it stands at |
| reading.py | TOML text as tables of a sane size and depth |
| refusals.py | the first broken rule of a scenario, in words |
| load.py | a scenario from a file, a bundled name or a recorded run, with overrides; back to TOML |
| schema.py | every key as a row, for `netsim validate --schema` |
"""
