#include "common/endpoint.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char s_scheme[] = "tcp://";

// An IPv6 address with an optional zone (`fe80::1%eth0`).
static bool s_is_ipv6 (const char *host)
{
    char address[INET6_ADDRSTRLEN + 1];
    size_t size = strcspn (host, "%");
    if (size >= sizeof address || (host[size] == '%' && host[size + 1] == 0))
        return false;
    for (const char *at = host + size; *at; at++)
        if (!isalnum ((unsigned char)*at) && !strchr ("%._-", *at))
            return false;
    memcpy (address, host, size);
    address[size] = 0;
    struct in6_addr bits;
    return inet_pton (AF_INET6, address, &bits) == 1;
}

// A name or an IPv4 address. What is made of digits and dots alone must be an address.
static bool s_is_name (const char *host)
{
    bool numeric = true;
    for (const char *at = host; *at; at++) {
        if (!isalnum ((unsigned char)*at) && !strchr (".-_", *at))
            return false;
        numeric = numeric && (isdigit ((unsigned char)*at) || *at == '.');
    }
    struct in_addr bits;
    return *host && *host != '-' && *host != '.' &&
           (!numeric || inet_pton (AF_INET, host, &bits) == 1);
}

static const char *s_parse_host (endpoint_t *self, const char *text, size_t size)
{
    bool brackets = size >= 2 && text[0] == '[' && text[size - 1] == ']';
    if (brackets) {
        text++;
        size -= 2;
    }
    if (size == 0 || size > ENDPOINT_HOST_MAX || memchr (text, 0, size))
        return "the host is missing or too long";
    memcpy (self->host, text, size);
    self->host[size] = 0;
    if (brackets)
        return s_is_ipv6 (self->host) ? NULL : "the brackets hold no IPv6 address";
    if (strcmp (self->host, "*") == 0 || s_is_name (self->host))
        return NULL;
    return strchr (self->host, ':') ? "an IPv6 address needs brackets: tcp://[::1]:2000"
                                    : "the host is no name and no address";
}

static const char *s_parse_port (endpoint_t *self, const char *text, size_t size)
{
    if (size == 1 && *text == '*')
        return NULL; // stays 0
    unsigned port = 0;
    for (size_t i = 0; i < size && size <= 5; i++) {
        if (!isdigit ((unsigned char)text[i]))
            return "the port is no number";
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    if (size == 0 || port == 0 || size > 5 || port > UINT16_MAX || *text == '0')
        return "the port is not within 1 to 65535";
    self->port = (uint16_t)port;
    return NULL;
}

static int s_nibble (char digit)
{
    if (isdigit ((unsigned char)digit))
        return digit - '0';
    return isxdigit ((unsigned char)digit) ? tolower ((unsigned char)digit) - 'a' + 10 : -1;
}

static const char *s_parse_key (endpoint_t *self, const char *text, size_t size)
{
    static const char name[] = "?key=";
    if (size != strlen (name) + 2 * ENDPOINT_KEY || strncmp (text, name, strlen (name)) != 0)
        return "what follows the port is not ?key= with 64 hex digits";
    text += strlen (name);
    for (size_t i = 0; i < ENDPOINT_KEY; i++) {
        int high = s_nibble (text[2 * i]), low = s_nibble (text[2 * i + 1]);
        if (high < 0 || low < 0)
            return "the key is not 64 hex digits";
        self->key[i] = (uint8_t)(high << 4 | low);
    }
    self->has_key = true;
    return NULL;
}

static const char *s_refuse (const endpoint_t *self, endpoint_use_t use)
{
    if (use == ENDPOINT_BIND && strcasecmp (self->host, "localhost") == 0)
        return "a name cannot be listened on: write 127.0.0.1 or [::1]";
    if (use == ENDPOINT_BIND)
        return self->has_key ? "a key has no place in an endpoint that is listened on" : NULL;
    if (self->port == 0)
        return "port * is for listening only";
    bool one = use == ENDPOINT_ANNOUNCE || !endpoint_is_any (self);
    return one ? NULL : "the host is no single machine";
}

const char *endpoint_parse (endpoint_t *self, const char *text, size_t size, endpoint_use_t use)
{
    memset (self, 0, sizeof *self);
    size_t scheme = strlen (s_scheme);
    if (size < scheme || strncmp (text, s_scheme, scheme) != 0)
        return "it does not begin with tcp://";
    text += scheme;
    size -= scheme;
    const char *question = memchr (text, '?', size);
    size_t address = question ? (size_t)(question - text) : size;
    const char *colon = memrchr (text, ':', address);
    if (!colon || memchr (colon, ']', (size_t)(text + address - colon)))
        return "it has no port: tcp://host:port";
    const char *wrong = s_parse_host (self, text, (size_t)(colon - text));
    if (!wrong)
        wrong = s_parse_port (self, colon + 1, (size_t)(text + address - colon - 1));
    if (!wrong && question)
        wrong = s_parse_key (self, question, size - address);
    return wrong ? wrong : s_refuse (self, use);
}

char *endpoint_print (const endpoint_t *self, char out[ENDPOINT_TEXT])
{
    bool brackets = strchr (self->host, ':') != NULL;
    char port[8] = "*";
    if (self->port > 0)
        snprintf (port, sizeof port, "%u", (unsigned)self->port);
    snprintf (out, ENDPOINT_TEXT, "%s%s%s%s:%s", s_scheme, brackets ? "[" : "", self->host,
              brackets ? "]" : "", port);
    return out;
}

char *endpoint_print_with_key (const endpoint_t *self, char out[ENDPOINT_TEXT])
{
    endpoint_print (self, out);
    if (!self->has_key)
        return out;
    char *at = out + strlen (out);
    at = stpcpy (at, "?key=");
    for (size_t i = 0; i < ENDPOINT_KEY; i++, at += 2)
        snprintf (at, 3, "%02x", (unsigned)self->key[i]);
    return out;
}

bool endpoint_equal (const endpoint_t *a, const endpoint_t *b)
{
    return strcmp (a->host, b->host) == 0 && a->port == b->port && a->has_key == b->has_key &&
           memcmp (a->key, b->key, ENDPOINT_KEY) == 0;
}

// The address as IPv6, IPv4 mapped; false when it is a name. `host` may have brackets.
static bool s_address (const char *host, struct in6_addr *bits)
{
    char plain[ENDPOINT_HOST_MAX + 1];
    size_t skip = *host == '[' ? 1 : 0;
    size_t size = strcspn (host + skip, "]%");
    if (size >= sizeof plain)
        return false;
    memcpy (plain, host + skip, size);
    plain[size] = 0;
    if (inet_pton (AF_INET6, plain, bits) == 1)
        return true;
    struct in_addr short_bits;
    if (inet_pton (AF_INET, plain, &short_bits) != 1)
        return false;
    memset (bits, 0, sizeof *bits);
    memset (&bits->s6_addr[10], 0xff, 2);
    memcpy (&bits->s6_addr[12], &short_bits, 4);
    return true;
}

bool endpoint_host_is_loopback (const char *host)
{
    struct in6_addr bits;
    if (!s_address (host, &bits))
        return strcasecmp (host, "localhost") == 0;
    if (IN6_IS_ADDR_V4MAPPED (&bits))
        return bits.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK (&bits);
}

bool endpoint_host_is_any (const char *host)
{
    struct in6_addr bits;
    if (!s_address (host, &bits))
        return strcmp (host, "*") == 0;
    static const uint8_t none[4] = {0};
    if (IN6_IS_ADDR_V4MAPPED (&bits))
        return memcmp (&bits.s6_addr[12], none, 4) == 0;
    return IN6_IS_ADDR_UNSPECIFIED (&bits);
}

const char *endpoint_host_plain (const char *host)
{
    static const char mapped[] = "::ffff:";
    bool is_mapped = strncasecmp (host, mapped, strlen (mapped)) == 0 && strchr (host, '.');
    return is_mapped ? host + strlen (mapped) : host;
}

bool endpoint_is_loopback (const endpoint_t *self)
{
    return endpoint_host_is_loopback (self->host);
}

bool endpoint_is_any (const endpoint_t *self)
{
    return endpoint_host_is_any (self->host);
}
