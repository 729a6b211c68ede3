//! Country and state codes: Field Nation takes two letters and ignores anything else without a word.

/// Code, three-letter code, names; names after the first are other ones in use.
const COUNTRIES: &str = "\
US USA United States|United States of America|America;CA CAN Canada;MX MEX Mexico;PR PRI Puerto Rico;\
GB GBR United Kingdom|UK|Great Britain|England|Scotland|Wales|Northern Ireland;IE IRL Ireland;FR FRA France;\
DE DEU Germany|Deutschland;AT AUT Austria;CH CHE Switzerland;IT ITA Italy;ES ESP Spain;PT PRT Portugal;\
NL NLD Netherlands|The Netherlands|Holland;BE BEL Belgium;LU LUX Luxembourg;DK DNK Denmark;SE SWE Sweden;\
NO NOR Norway;FI FIN Finland;IS ISL Iceland;PL POL Poland;CZ CZE Czechia|Czech Republic;SK SVK Slovakia;\
HU HUN Hungary;RO ROU Romania;BG BGR Bulgaria;GR GRC Greece;HR HRV Croatia;SI SVN Slovenia;RS SRB Serbia;\
EE EST Estonia;LV LVA Latvia;LT LTU Lithuania;MT MLT Malta;CY CYP Cyprus;UA UKR Ukraine;TR TUR Turkey|Türkiye;\
AU AUS Australia;NZ NZL New Zealand;JP JPN Japan;KR KOR South Korea|Korea;CN CHN China;HK HKG Hong Kong;\
TW TWN Taiwan;SG SGP Singapore;MY MYS Malaysia;TH THA Thailand;VN VNM Vietnam|Viet Nam;PH PHL Philippines;\
ID IDN Indonesia;IN IND India;PK PAK Pakistan;BD BGD Bangladesh;LK LKA Sri Lanka;AE ARE United Arab Emirates|UAE;\
SA SAU Saudi Arabia;QA QAT Qatar;KW KWT Kuwait;BH BHR Bahrain;OM OMN Oman;IL ISR Israel;JO JOR Jordan;EG EGY Egypt;\
MA MAR Morocco;ZA ZAF South Africa;NG NGA Nigeria;KE KEN Kenya;GH GHA Ghana;BR BRA Brazil|Brasil;AR ARG Argentina;\
CL CHL Chile;CO COL Colombia;PE PER Peru;EC ECU Ecuador;UY URY Uruguay;CR CRI Costa Rica;PA PAN Panama;\
GT GTM Guatemala;SV SLV El Salvador;HN HND Honduras;NI NIC Nicaragua;DO DOM Dominican Republic;JM JAM Jamaica;\
BS BHS Bahamas|The Bahamas;BB BRB Barbados;TT TTO Trinidad and Tobago;BM BMU Bermuda;GU GUM Guam;\
VI VIR US Virgin Islands|Virgin Islands";

/// Code and name of the states and provinces of the United States and Canada.
const STATES: &str = "\
AL Alabama;AK Alaska;AZ Arizona;AR Arkansas;CA California;CO Colorado;CT Connecticut;DE Delaware;\
DC District of Columbia;FL Florida;GA Georgia;HI Hawaii;ID Idaho;IL Illinois;IN Indiana;IA Iowa;KS Kansas;KY Kentucky;\
LA Louisiana;ME Maine;MD Maryland;MA Massachusetts;MI Michigan;MN Minnesota;MS Mississippi;MO Missouri;MT Montana;\
NE Nebraska;NV Nevada;NH New Hampshire;NJ New Jersey;NM New Mexico;NY New York;NC North Carolina;ND North Dakota;\
OH Ohio;OK Oklahoma;OR Oregon;PA Pennsylvania;RI Rhode Island;SC South Carolina;SD South Dakota;TN Tennessee;TX Texas;\
UT Utah;VT Vermont;VA Virginia;WA Washington;WV West Virginia;WI Wisconsin;WY Wyoming;PR Puerto Rico;\
AB Alberta;BC British Columbia;MB Manitoba;NB New Brunswick;NL Newfoundland and Labrador;NS Nova Scotia;\
NT Northwest Territories;NU Nunavut;ON Ontario;PE Prince Edward Island;QC Quebec;QC Québec;SK Saskatchewan;YT Yukon";

/// The two-letter code of a country given by code or English name.
pub(super) fn country_code(text: &str) -> Option<String> {
    let text = text.trim();
    let bare = text.replace('.', "");
    if is_code(&bare) && !bare.eq_ignore_ascii_case("UK") {
        return Some(bare.to_ascii_uppercase());
    }
    COUNTRIES.split(';').find_map(|entry| {
        let (code, rest) = entry.split_once(' ')?;
        let (long_code, names) = rest.split_once(' ')?;
        let mut known = names.split('|').chain([long_code]);
        known
            .any(|name| name.eq_ignore_ascii_case(&bare) || name.eq_ignore_ascii_case(text))
            .then(|| code.to_owned())
    })
}

/// The code of a state or province given by its name; anything else is left as it is.
pub(super) fn state_code(text: &str) -> String {
    let text = text.trim();
    if is_code(text) {
        return text.to_ascii_uppercase();
    }
    let entries = STATES.split(';').filter_map(|entry| entry.split_once(' '));
    let mut codes = entries.filter(|(_, name)| name.eq_ignore_ascii_case(text));
    codes
        .next()
        .map_or_else(|| text.to_owned(), |(code, _)| code.to_owned())
}

/// Every spelling of a country that [`country_code`] takes, with the country's name: codes first.
pub(super) fn known_countries() -> impl Iterator<Item = (&'static str, &'static str)> {
    let entry = |entry: &'static str| {
        let (code, rest) = entry.split_once(' ')?;
        let (long_code, names) = rest.split_once(' ')?;
        Some((code, long_code, names))
    };
    let label = |names: &'static str| names.split('|').next().unwrap_or(names);
    let entries = move || COUNTRIES.split(';').filter_map(entry);
    let codes = entries().map(move |(code, _, names)| (code, label(names)));
    let spelt = entries().flat_map(move |(_, long_code, names)| {
        names
            .split('|')
            .chain([long_code])
            .map(move |spelling| (spelling, label(names)))
    });
    codes.chain(spelt)
}

fn is_code(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_known_by_code_and_name() {
        for (given, code) in [
            ("US", "US"),
            ("us", "US"),
            ("U.S.", "US"),
            ("USA", "US"),
            ("United States", "US"),
            ("united states of america", "US"),
            ("UK", "GB"),
            ("Canada", "CA"),
            ("DE", "DE"),
        ] {
            assert_eq!(country_code(given).as_deref(), Some(code), "{given}");
        }
        assert_eq!(country_code("Atlantis"), None);
        for (spelling, name) in known_countries() {
            assert_eq!(country_code(spelling), country_code(name), "{spelling}");
            assert!(country_code(spelling).is_some(), "{spelling}");
        }
    }

    #[test]
    fn states_become_codes_and_others_stay() {
        assert_eq!(state_code("Minnesota"), "MN");
        assert_eq!(state_code("tx"), "TX");
        assert_eq!(state_code("British Columbia"), "BC");
        assert_eq!(state_code("Bayern"), "Bayern");
    }
}
