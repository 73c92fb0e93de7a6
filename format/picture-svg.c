/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>

#include "base/limits.h"
#include "base/text.h"
#include "format/picture-decode.h"

#define SVG_NAMESPACE "http://www.w3.org/2000/svg"
#define XLINK_NAMESPACE "http://www.w3.org/1999/xlink"

/*
 * What draws and does nothing else. Not among them: script, a, image, foreignObject, style,
 * animations, filters; use and pattern, whose nesting multiplies what is drawn.
 */
static const char *const elements[] = {
        "circle", "clipPath", "defs",           "desc",  "ellipse", "g",   "line",
        "path",   "polygon",  "linearGradient", "rect",  "stop",    "svg", "polyline",
        "text",   "textPath", "radialGradient", "title", "tspan",
};

/* What may stand before a parenthesis in an attribute: transformations, colours, references. */
static const char *const functions[] = {
        "matrix", "translate", "scale", "rotate", "skewX", "skewY",
        "rgb",    "rgba",      "hsl",   "hsla",   "url",
};

/* What is known while the parser tells of one thing after the other; it keeps no tree. */
typedef struct Reading {
        xmlParserCtxtPtr parser; /* not owned */
        int refused;             /* the condition; its sentence is in detail */
        ErrorDetail *detail;
        unsigned elements, depth;
        PictureSize size;
} Reading;

/* The first refusal stays: a parser that was stopped tells of nothing more. */
static void refuse(Reading *reading, int code) {
        reading->refused = code;
        xmlStopParser(reading->parser);
}

static bool is_among(const char *word, size_t size, const char *const *words, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (strlen(words[i]) == size && memcmp(words[i], word, size) == 0)
                        return true;
        return false;
}

#define IS_AMONG(word, size, words) is_among(word, size, words, sizeof(words) / sizeof(words[0]))

/* Not a NUL, so that the bytes are in no other encoding than the one they are read in. */
static int encoding_check(Bytes picture, ErrorDetail *detail) {
        if (!memchr(picture.data, '\0', picture.size) &&
            text_is_utf8((const char *) picture.data, picture.size))
                return 0;
        return error_set(detail, SEAL_E_INVALID_ARGS,
                         "picture: the SVG is not UTF-8; save it in that encoding");
}

static bool is_utf8_name(const xmlChar *encoding) {
        return !encoding || xmlStrcasecmp(encoding, BAD_CAST "UTF-8") == 0;
}

/* By now the declaration was read; in any other encoding a viewer would see something else. */
static void on_start(void *userdata) {
        xmlParserCtxtPtr parser = userdata;
        Reading *reading = parser->_private;

        if (!is_utf8_name(parser->encoding) ||
            (parser->input && !is_utf8_name(parser->input->encoding)))
                refuse(reading, error_set(reading->detail, SEAL_E_INVALID_ARGS,
                                          "picture: the SVG declares another encoding than UTF-8; "
                                          "save it in that one"));
}

static void on_document_type(void *userdata, const xmlChar *name, const xmlChar *id,
                             const xmlChar *system) {
        Reading *reading = ((xmlParserCtxtPtr) userdata)->_private;

        (void) name;
        (void) id;
        (void) system;
        refuse(reading, error_set(reading->detail, SEAL_E_INVALID_ARGS,
                                  "picture: the SVG has a document type (<!DOCTYPE …>); take that "
                                  "line out, and what it declares"));
}

static void on_instruction(void *userdata, const xmlChar *target, const xmlChar *data) {
        Reading *reading = ((xmlParserCtxtPtr) userdata)->_private;

        (void) data;
        refuse(reading, error_set(reading->detail, SEAL_E_INVALID_ARGS,
                                  "picture: the SVG has a processing instruction (<?%.64s …?>); "
                                  "take it out",
                                  (const char *) target));
}

static void on_reference(void *userdata, const xmlChar *name) {
        Reading *reading = ((xmlParserCtxtPtr) userdata)->_private;

        refuse(reading, error_set(reading->detail, SEAL_E_INVALID_ARGS,
                                  "picture: the SVG refers to an entity (&%.64s;); write what it "
                                  "stands for",
                                  (const char *) name));
}

static void on_error(void *userdata, xmlErrorPtr error) {
        Reading *reading = ((xmlParserCtxtPtr) userdata)->_private;

        /* A namespace's name that is no URI does no harm; its check fails without memory, too. */
        if (error->level < XML_ERR_ERROR || error->code == XML_WAR_NS_URI || reading->refused != 0)
                return;
        if (error->code == XML_ERR_NO_MEMORY)
                reading->refused = -ENOMEM;
        else
                reading->refused = error_set(
                        reading->detail, SEAL_E_INVALID_ARGS,
                        "picture: the SVG is not well-formed in line %d (%.200s); save "
                        "it anew",
                        error->line, error->message ? error->message : "");
        text_flatten(reading->detail ? reading->detail->text : (char[1]){});
        xmlStopParser(reading->parser);
}

/* One attribute, as the parser hands it out in five pointers: the value has no terminator. */
typedef struct Attribute {
        const char *name, *prefix, *uri, *value, *end;
} Attribute;

_Static_assert(sizeof(Attribute) == 5 * sizeof(const xmlChar *), "what startElementNs gives");

static bool is_space(char c) {
        return c != '\0' && strchr(" \t\r\n", c);
}

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The parenthesis at `at` opens one of our functions; a url() refers to what is in the picture. */
static bool call_is_harmless(const Attribute *attribute, const char *at) {
        const char *end = at, *begin;

        while (end > attribute->value && is_space(end[-1]))
                end--;
        for (begin = end; begin > attribute->value && is_letter(begin[-1]);)
                begin--;
        size_t size = (size_t) (end - begin);
        if (!IS_AMONG(begin, size, functions))
                return false;
        if (size != strlen("url") || memcmp(begin, "url", size) != 0)
                return true;
        for (at++; at < attribute->end && (is_space(*at) || *at == '"' || *at == '\'');)
                at++;
        return at < attribute->end && *at == '#';
}

/* Style sheets have escapes, with which a word can be written in other letters. */
static bool value_is_harmless(const Attribute *attribute) {
        for (const char *at = attribute->value; at < attribute->end; at++)
                if (*at == '\\' || *at == '@' || (*at == '(' && !call_is_harmless(attribute, at)))
                        return false;
        return true;
}

static bool is_reference(const Attribute *attribute) {
        return strcmp(attribute->name, "href") == 0 &&
               (!attribute->uri || strcmp(attribute->uri, XLINK_NAMESPACE) == 0);
}

/* Our words, xml:space and xml:lang, and references; no handlers of events, no xml:base. */
static bool name_is_harmless(const Attribute *attribute) {
        if (!attribute->uri)
                return strncasecmp(attribute->name, "on", 2) != 0;
        return strcmp(attribute->uri, (const char *) XML_XML_NAMESPACE) == 0 &&
               (strcmp(attribute->name, "space") == 0 || strcmp(attribute->name, "lang") == 0);
}

static bool attribute_is_harmless(const Attribute *attribute) {
        if (is_reference(attribute))
                return attribute->value < attribute->end && *attribute->value == '#';
        return name_is_harmless(attribute) && value_is_harmless(attribute);
}

/* ---- its size ------------------------------------------------------------------------------- */

/* Digits with a fraction or not; the value behind them is left at *at. Not strtod: no locale. */
static bool number_take(const char **at, const char *end, double *ret) {
        const char *begin = *at;
        double value = 0, unit = 1;

        for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
                value = 10 * value + (**at - '0');
        if (*at < end && **at == '.')
                for ((*at)++; *at < end && **at >= '0' && **at <= '9'; (*at)++)
                        value += (unit /= 10) * (**at - '0');
        *ret = value;
        return *at > begin;
}

/* A length in pixels of 96 to the inch (CSS Values 3 §5.2); 0 for a relative one. */
static double length_read(const Attribute *attribute) {
        static const struct {
                const char *name;
                double pixels;
        } units[] = {
                { "", 1 },           { "px", 1 },         { "mm", 96 / 25.4 }, { "in", 96 },
                { "cm", 96 / 2.54 }, { "pt", 96 / 72.0 }, { "pc", 16 },
        };
        const char *at = attribute->value;
        double value;

        if (!number_take(&at, attribute->end, &value))
                return 0;
        size_t size = (size_t) (attribute->end - at);
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
                if (strlen(units[i].name) == size && memcmp(units[i].name, at, size) == 0)
                        return value * units[i].pixels;
        return 0;
}

static unsigned round_up(double value) {
        unsigned whole = (unsigned) value;

        return value > whole ? whole + 1 : whole;
}

static void separator_skip(const char **at, const char *end) {
        while (*at < end && (is_space(**at) || **at == ','))
                (*at)++;
}

/* The last two of its four numbers; zeros where it has another shape. */
static void view_box_read(const Attribute *attribute, double ret[static 2]) {
        const char *at = attribute->value;
        double numbers[4];

        for (size_t i = 0; i < 4; i++) {
                separator_skip(&at, attribute->end);
                if (i < 2 && at < attribute->end && (*at == '-' || *at == '+'))
                        at++;
                if (!number_take(&at, attribute->end, &numbers[i]))
                        return;
        }
        separator_skip(&at, attribute->end);
        if (at < attribute->end)
                return;
        ret[0] = numbers[2];
        ret[1] = numbers[3];
}

static bool is_plain(const Attribute *attribute, const char *name) {
        return !attribute->uri && strcmp(attribute->name, name) == 0;
}

/* Of the root: width and height where both are absolute, else those of the view box. */
static void size_read(Reading *reading, const Attribute *attributes, size_t count) {
        double view[2] = {}, own[2] = {};

        for (size_t i = 0; i < count; i++) {
                if (is_plain(&attributes[i], "width"))
                        own[0] = length_read(&attributes[i]);
                if (is_plain(&attributes[i], "height"))
                        own[1] = length_read(&attributes[i]);
                if (is_plain(&attributes[i], "viewBox"))
                        view_box_read(&attributes[i], view);
        }
        const double *size = own[0] > 0 && own[1] > 0 ? own : view;
        if (size[0] > 0 && size[1] > 0 && size[0] <= PICTURE_UNITS_MAX &&
            size[1] <= PICTURE_UNITS_MAX)
                reading->size = (PictureSize){ round_up(size[0]), round_up(size[1]) };
        else
                refuse(reading, error_set(reading->detail, SEAL_E_INVALID_ARGS,
                                          "picture: the SVG does not tell its size; give its svg "
                                          "element a viewBox, or a width and height, of at most %d",
                                          PICTURE_UNITS_MAX));
}

/* ---- its elements ---------------------------------------------------------------------------- */

static bool element_is_known(const xmlChar *name, const xmlChar *uri) {
        return uri && strcmp((const char *) uri, SVG_NAMESPACE) == 0 &&
               IS_AMONG((const char *) name, strlen((const char *) name), elements);
}

/* 0, or the condition. */
static int element_check(Reading *reading, const xmlChar *name, const xmlChar *uri) {
        if (!element_is_known(name, uri))
                return error_set(reading->detail, SEAL_E_INVALID_ARGS,
                                 "picture: the SVG has the element '%.64s', which a seal's picture "
                                 "may not have; save it as plain SVG, text and images as paths",
                                 (const char *) name);
        if (reading->elements == 0 && strcmp((const char *) name, "svg") != 0)
                return error_set(reading->detail, SEAL_E_INVALID_ARGS,
                                 "picture: the SVG begins with '%.64s' and not with 'svg'; save it "
                                 "as an SVG file of its own",
                                 (const char *) name);
        if (reading->elements >= PICTURE_ELEMENTS_MAX || reading->depth >= PICTURE_DEPTH_MAX)
                return error_set(reading->detail, SEAL_E_LIMITS_EXCEEDED,
                                 "picture: the SVG has more than %d elements, or more than %d in "
                                 "one another; draw it more simply",
                                 PICTURE_ELEMENTS_MAX, PICTURE_DEPTH_MAX);
        return 0;
}

static int attributes_check(Reading *reading, const Attribute *attributes, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (!attribute_is_harmless(&attributes[i]))
                        return error_set(reading->detail, SEAL_E_INVALID_ARGS,
                                         "picture: the SVG has the attribute '%.64s' with what may "
                                         "lead out of it; save it as plain SVG, and take out "
                                         "links, scripts and style sheets",
                                         attributes[i].name);
        return 0;
}

static void on_element(void *userdata, const xmlChar *name, const xmlChar *prefix,
                       const xmlChar *uri, int namespaces_count, const xmlChar **namespaces,
                       int count, int defaulted, const xmlChar **attributes) {
        Reading *reading = ((xmlParserCtxtPtr) userdata)->_private;
        const Attribute *list = (const Attribute *) attributes;

        (void) prefix;
        (void) namespaces_count;
        (void) namespaces;
        (void) defaulted;
        int r = element_check(reading, name, uri);
        if (r == 0)
                r = attributes_check(reading, list, (size_t) count);
        if (r != 0) {
                refuse(reading, r);
                return;
        }
        if (reading->elements == 0)
                size_read(reading, list, (size_t) count);
        reading->elements++;
        reading->depth++;
}

static void on_end(void *userdata, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
        Reading *reading = ((xmlParserCtxtPtr) userdata)->_private;

        (void) name;
        (void) prefix;
        (void) uri;
        reading->depth--;
}

static const xmlSAXHandler handler = {
        .initialized = XML_SAX2_MAGIC,
        .startDocument = on_start,
        .internalSubset = on_document_type,
        .processingInstruction = on_instruction,
        .reference = on_reference,
        .startElementNs = on_element,
        .endElementNs = on_end,
        .serror = on_error,
};

/* Of what has no parser at hand, as a lack of memory. */
static void say_nothing(void *userdata, const char *message, ...) {
        (void) userdata;
        (void) message;
}

static int parse(Reading *reading, Bytes picture) {
        reading->parser = xmlNewParserCtxt();
        if (!reading->parser)
                return -ENOMEM;
        *reading->parser->sax = handler;
        reading->parser->_private = reading;
        xmlFreeDoc(xmlCtxtReadMemory(reading->parser, (const char *) picture.data,
                                     (int) picture.size, NULL, NULL, XML_PARSE_NONET));
        bool whole = reading->parser->wellFormed && reading->elements > 0;
        xmlFreeParserCtxt(reading->parser);
        if (reading->refused == 0 && !whole)
                return -ENOMEM; /* of what is not well-formed the parser has told */
        return reading->refused;
}

int picture_svg(Bytes picture, PictureSize *ret, ErrorDetail *detail) {
        const xmlGenericErrorFunc before = xmlGenericError;
        void *context_before = xmlGenericErrorContext;
        Reading reading = { .detail = detail };

        if (picture.size > PICTURE_SVG_MAX)
                return error_set(
                        detail, SEAL_E_LIMITS_EXCEEDED,
                        "picture: the SVG has %zu bytes, more than %d; draw it more simply",
                        picture.size, PICTURE_SVG_MAX);
        int r = encoding_check(picture, detail);
        if (r != 0)
                return r;
        xmlSetGenericErrorFunc(NULL, say_nothing); /* of this thread */
        r = parse(&reading, picture);
        xmlSetGenericErrorFunc(context_before, before);
        xmlResetLastError();
        if (r == 0)
                *ret = reading.size;
        return r;
}
