"""SQL that derives a fact's indexed columns from its payload again, parsing JSON where bytes can't tell.

Canonical JSON has one spelling: keys sorted, no spaces, quotes inside texts escaped. So `"customer_id":` in
it is a key and nothing else, the keys at the top begin with `data` and end with `type`, and what stands
between a known start and a known value is known too. Where that does not settle the question, the payload is
parsed.

All expressions are over the columns of `FACTS`: those of ledger.fact and what several of them need.
"""

from typing import LiteralString

FACTS: LiteralString = """
    SELECT *, convert_from(payload, 'UTF8') AS body, position('}'::bytea in payload) AS first_close,
        to_json(customer_id)::text AS customer_json
    FROM ledger.fact"""
CUSTOMER_OF_SERVICE: LiteralString = """
    CASE
        WHEN customer_id IS NULL AND position('"customer_id":' in body) = 0 THEN true
        WHEN starts_with(body, '{"data":{"customer_id":' || customer_json) THEN true
        WHEN starts_with(body, '{"data":{"attributes":{')
            AND position('{'::bytea in substring(payload from 24 for greatest(first_close - 24, 0))) = 0
            AND substring(payload from first_close + 1 for 15 + octet_length(customer_json))
                = convert_to(',"customer_id":' || customer_json, 'UTF8')
            THEN true
        ELSE (body::json #>> '{data,customer_id}') IS NOT DISTINCT FROM customer_id
    END"""
"""Data begins with customer_id, or with flat attributes (they end at the first brace) and customer_id."""

COLUMNS_AGREE: LiteralString = f"""
    coalesce(CASE
        WHEN starts_with(type, 'service.') THEN
            version = seq AND starts_with(stream, 'service/')
            AND (position('"service_id":"' || substr(stream, 9) || '"' in body) > 0
                OR body::json #>> '{{data,service_id}}' = substr(stream, 9))
            AND {CUSTOMER_OF_SERVICE}
        WHEN starts_with(type, 'product.') OR starts_with(type, 'price.') THEN
            version = seq AND starts_with(stream, 'product/') AND customer_id IS NULL
            AND position('"product_id":' || to_json(substr(stream, 9)) in body) > 0
        WHEN starts_with(type, 'customer.') OR starts_with(type, 'adjustment.') THEN
            version = seq AND stream = 'customer/' || customer_id
            AND position('"customer_id":' || customer_json in body) > 0
        WHEN starts_with(type, 'tenant.') THEN
            version = seq AND stream = 'tenant' AND customer_id IS NULL
        WHEN starts_with(type, 'event.') THEN
            version = seq AND stream = 'rejected' AND customer_id IS NULL
        WHEN starts_with(type, 'run.') THEN
            version = seq AND stream = 'runs' AND {CUSTOMER_OF_SERVICE}
        WHEN type = 'invoice.lines' THEN
            customer_id IS NULL AND starts_with(stream, 'invoice/')
            AND position('"number":' || to_json(substr(stream, 9)) || ',"part":' || version || '}}' in body) >
            0
        ELSE
            stream = 'account/' || customer_id
            AND starts_with(body, '{{"data":{{"account_version":' || version || ',')
            AND position('"customer_id":' || customer_json in body) > 0
    END
    AND substring(payload from octet_length(payload) - octet_length(type) - 9)
        = convert_to('"type":"' || type || '"}}', 'UTF8'), false)"""
"""Whether stream, type, version and customer are those of the payload."""
