"""Why a message is refused: the stable codes that dead letters, facts and metrics carry."""

from enum import StrEnum


class Reason(StrEnum):
    """The code never changes; the text beside it may."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    INVALID_UTF8 = "invalid_utf8"
    INVALID_JSON = "invalid_json"
    NOT_AN_OBJECT = "not_an_object"
    DUPLICATE_MEMBER = "duplicate_member"
    NUL_CHARACTER = "nul_character"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    CONFLUENT_FRAMING = "confluent_framing"
    BATCH = "batch_not_supported"
    CONTENT_TYPE = "unsupported_content_type"
    DUPLICATE_HEADER = "duplicate_header"
    INVALID_HEADER = "invalid_header"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_VERSION = "unknown_version"
    SCHEMA = "schema_invalid"
    RESERVED_SOURCE = "source_reserved"
    TENANT_UNKNOWN = "tenant_unknown"
    TENANT_SOURCE = "tenant_source_refused"
    CONFLICT = "conflicting_duplicate"
    FOREIGN_TENANT = "tenant_refused"


DESCRIPTIONS = {
    Reason.EMPTY: "The message has no value (a tombstone)",
    Reason.TOO_LARGE: "The value is longer than 1 MiB, or the headers are longer than 64 KiB",
    Reason.INVALID_UTF8: "The value is not UTF-8",
    Reason.INVALID_JSON: "The value is not JSON (RFC 8259); NaN and Infinity are none, nesting ends at 1024",
    Reason.NOT_AN_OBJECT: "The event, or its data, is not a JSON object",
    Reason.DUPLICATE_MEMBER: "An object names a member twice, so that readers could disagree on its value",
    Reason.NUL_CHARACTER: "A text contains U+0000",
    Reason.NUMBER_OUT_OF_RANGE: "A number that no double holds exactly: an integer beyond 2^53-1, 1e400",
    Reason.CONFLUENT_FRAMING: "The value begins with the framing of a Confluent serialiser",
    Reason.BATCH: "CloudEvents batches are not defined for Kafka",
    Reason.CONTENT_TYPE: "The content is neither application/json nor application/cloudevents+json, in UTF-8",
    Reason.DUPLICATE_HEADER: "A ce_ or content-type header stands twice",
    Reason.INVALID_HEADER: "A ce_ header is not UTF-8, or has no value",
    Reason.UNKNOWN_TYPE: "No event of this type can be sent",
    Reason.UNKNOWN_VERSION: "The type has no such version (dataschema)",
    Reason.SCHEMA: "A field is missing, unknown or has a wrong value",
    Reason.RESERVED_SOURCE: "Only the ledger itself writes facts of this source",
    Reason.TENANT_UNKNOWN: "The tenant's ledger is not open yet; re-drive after tenant.configured",
    Reason.TENANT_SOURCE: "tenant.configured came from a source that the operator does not allow",
    Reason.CONFLICT: "The same source and id was heard with other content",
    Reason.FOREIGN_TENANT: "By HTTP: the event names another tenant than the key",
}
"""One sentence for each code, for the reference documentation."""
