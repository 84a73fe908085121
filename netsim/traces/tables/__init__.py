"""Tables with columns, CSV or Parquet, of any origin, to native tables.

In reading order:

| file | what lives there |
|---|---|
| units.py | units as people write them: `kbit/s`, `km/h`, `ms` |
| choice.py | what the user says about columns: `time=t:ms,rate=kbit/s,decimal=comma` |
| roles.py | which column is the time, the node, the latitude ...: by its name |
| presets.py | tables that are known as a whole: SUMO, G-NetTrack, taxis, GeoLife ... |
| dialect.py | the text of a CSV file: encoding, separator, quotes, header |
| scan.py | the columns of a file as they stand, lazily, and its metadata |
| reading.py | what a table is read as: chosen, known, recognised or plausible columns |
| numbers_only.py | files without a header: which readings are plausible |
| cells.py, formulas.py | cells as numbers, and which are missing; text that begins a formula |
| clock.py, epoch.py | a time column as seconds: numbers, clock times, dates |
| nodes.py | which column names the nodes |
| number_columns.py, places.py, sumo_rows.py | columns with numbers; degrees among them; persons |
| checks.py, missing_rows.py, speed.py | bad values, missing ones, odd units |
| reader.py | a file on its way to native tables |
| radio.py | the channel and throughput tables among them |
"""
