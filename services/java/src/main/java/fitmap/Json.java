package fitmap;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.cfg.CoercionAction;
import tools.jackson.databind.cfg.CoercionInputShape;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.type.LogicalType;

/**
 * Jackson, as strict as the contract: no value stands for one of another type, and nothing required
 * is missing.
 */
final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          // ALLOW_COERCION_OF_SCALARS does not cover numbers and booleans read as strings.
          .withCoercionConfig(
              LogicalType.Textual,
              config ->
                  config
                      .setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                      .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                      .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail))
          .build();
  private static final ObjectWriter WRITER = MAPPER.writer();

  private Json() {}

  static byte[] write(Object value) {
    return WRITER.writeValueAsBytes(value);
  }

  static <T> Reader<T> reader(Class<T> type) {
    return new Reader<>(type, MAPPER.readerFor(type));
  }

  /** Bodies of one type, looked up once. */
  record Reader<T>(Class<T> type, ObjectReader reader) {

    T read(byte[] body) {
      try {
        T value = type.cast(reader.readValue(body));
        // An empty body and a bare null both arrive here as null.
        if (value != null) {
          return value;
        }
      } catch (JacksonException e) {
        // The message would quote the body.
      }
      throw ApiException.badRequest("The body is not JSON of the expected shape.");
    }
  }
}
