//! Stop words: the function words of each language, folded as tokens are.
//!
//! Short lists on purpose. A word that also bears meaning or a name ("will", "may", "us", "one") is left to its
//! frequency, which weighs it down where it is common.

use std::sync::OnceLock;

use super::{Language, fold};

/// The longest stop word in bytes, so that most other words are told apart by their length alone.
const LONGEST: usize = 14;

/// Whether a folded token is a stop word of the language.
pub(super) fn contains(language: Language, folded: &str) -> bool {
    if folded.len() > LONGEST {
        return false;
    }
    static LISTS: [OnceLock<Vec<Box<str>>>; Language::ALL.len()] =
        [const { OnceLock::new() }; Language::ALL.len()];
    let list = LISTS[language as usize].get_or_init(|| {
        let mut list: Vec<Box<str>> =
            words(language).split_ascii_whitespace().map(|w| fold(w).into()).collect();
        list.sort_unstable();
        list
    });
    list.binary_search_by(|word| (**word).cmp(folded)).is_ok()
}

/// Whether a language has a list.
pub(super) const fn has_list(language: Language) -> bool {
    !words(language).is_empty()
}

#[rustfmt::skip]
const fn words(language: Language) -> &'static str {
    match language {
        Language::English => "a an the and or but nor if of in to for by on at as with from into onto than then that \
            which who whom whose what when where how why this these those there here is was were are be been being am do \
            does did doing done has have had having not no it its he she they them him his her hers their theirs i me my \
            mine we our ours you your yours also same both such so because while about between through during before \
            after above under over again further once any each few more most other some only own too very can could would \
            should shall must just s t ll ve re isn aren wasn weren hasn haven hadn doesn didn couldn wouldn shouldn \
            itself himself herself themselves myself yourself",
        Language::German => "der die das den dem des ein eine einen einem einer eines und oder aber auch als am an auf aus \
            bei bin bis bist da damit dann dass daß dein deine dem den denn der dich dir doch dort du durch er es euer eure \
            für gegen hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in ins \
            ist ja jede jedem jeden jeder jedes jene kann kein keine man mein meine mich mir mit muss nach nicht nichts noch \
            nun nur ob ohne sehr sein seine seinem seinen seiner sich sie sind so soll sondern sonst über um uns unser unter \
            vom von vor war waren warum was weil weiter welche welcher wenn wer werde werden wie wieder will wir wird wirst \
            wo wurde wurden zu zum zur zwischen",
        Language::French => "le la les l un une des du de d et ou mais donc or ni car à au aux avec ce ces cet cette c ceci \
            cela ça dans en entre elle elles est et eux il ils je j la leur leurs lui ma mais me m même mes moi mon ne n nos \
            notre nous on où par pas pour qu que qui quoi sa sans se s ses si son sont sous sur ta te t tes toi ton tu un une \
            vos votre vous y été être étaient était avoir ai as a avons avez ont avait avaient eu plus très comme aussi dont \
            lorsque quand après avant depuis chez vers",
        Language::Spanish => "el la los las lo un una unos unas de del al a y e o u pero en con por para sin sobre entre desde \
            hasta que quien cual cuando donde como si no ni se su sus le les me mi mis te tu tus nos nuestro nuestra os yo él \
            ella ellos ellas ello este esta esto estos estas ese esa eso esos esas aquel aquella es son era eran fue fueron \
            ser sido ha han había haber hay está están estaba más muy ya también porque durante antes después qué",
        Language::Italian => "il lo la i gli le l un uno una di del dello della dei degli delle d a al allo alla ai agli alle \
            da dal dallo dalla dai dagli dalle in nel nello nella nei negli nelle con su sul sullo sulla sui sugli sulle per \
            tra fra e ed o ma se non che chi cui quale quando dove come perché anche più ci si mi ti vi ne io tu lui lei noi \
            voi loro mio mia tuo sua suo suoi sue nostro questo questa questi queste quello quella è sono era erano fu essere \
            stato stata ha hanno aveva avere",
        Language::Portuguese => "o a os as um uma uns umas de do da dos das em no na nos nas por pelo pela pelos pelas para com \
            sem sobre entre até e ou mas que quem qual quando onde como se não nem eu tu ele ela nós vós eles elas me te lhe \
            lhes seu sua seus suas meu minha teu este esta estes estas esse essa isso isto aquele aquela aquilo ao aos à às é \
            são era eram foi foram ser sido está estão estava há tem têm tinha mais muito já também porque depois antes",
        Language::Dutch => "de het een en of maar want dus van in op te aan met voor door naar bij uit om tot over onder tussen \
            na als dan dat die dit deze wie wat waar wanneer hoe niet geen ook nog wel er hier daar ik jij je u hij zij ze wij \
            we jullie hem haar hun mij me ons onze zijn is was waren ben bent worden wordt werd werden heb hebt heeft hebben \
            had hadden kan zal zou zich zo al meer veel",
        Language::Swedish => "och det att i en jag hon som han på den med var sig för så till är men ett om hade de av icke mig \
            du henne då sin nu har inte hans honom skulle hennes där min man ej vid kunde något från ut när efter upp vi dem \
            vara vad över än dig kan sina här ha mot alla under någon eller allt mycket sedan ju denna själv detta åt utan \
            varit hur ingen mitt ni bli blev oss din dessa några deras blir mina samma vilken er sådan vår blivit dess inom \
            mellan sådant varför varje vilka ditt vem vilket sitta sådana vart dina vars vårt våra ert era vilkas",
        Language::Danish => "og i jeg det at en den til er som på de med han af for ikke der var mig sig men et har om vi min \
            havde ham hun nu over da fra du ud sin dem os op man hans hvor eller hvad skal selv her alle vil blev kunne ind når \
            være dog noget ville jo deres efter ned skulle denne end dette mit også under have dig anden hende mine alt meget \
            sit sine vor mod disse hvis din nogle hos blive mange ad bliver hendes været thi jer sådan",
        Language::Norwegian => "og i jeg det at en et den til er som på de med han av ikke der så var meg seg men ett har om vi \
            min mitt ha hadde hun nå over da ved fra du ut sin dem oss opp man kan hans hvor eller hva skal selv her alle vil \
            bli ble blitt kunne inn når være kom noen noe ville dere deres etter ned skulle denne for dette mine også under \
            hvem hvordan hennes disse uten hvilken deg din mot mellom",
        Language::Finnish => "ja on ei se että olla ovat oli olivat ole en et emme ette eivät minä sinä hän me te he tämä tuo \
            ne nämä joka jotka jonka mikä mitä kuka kun kuin jos niin myös vain mutta tai sekä vaan sen sitä siitä siinä \
            hänen heidän minun sinun",
        Language::Hungarian => "a az és hogy nem is egy ez azt ezt van volt vagy de ha mint meg csak már még el ki be fel le \
            én te ő mi ti ők aki ami amely akik minden között után szerint lesz lett nagyon úgy így ott itt",
        Language::Romanian => "și în la de cu pe din un o a al ai ale cel cea cei cele că care ce nu se este sunt era erau fost \
            fi a au am ai are prin pentru dar sau ori mai foarte dacă când unde cum lui ei lor el ea eu tu noi voi ele acest \
            această acel acea",
        Language::Polish => "i w we na z ze do o od za po przy przez dla pod nad bez a ale lub albo czy że to ten ta te tego tej \
            tym tych jest są był była było były być nie się jak co kto który która które już tylko tak jego jej ich on ona ono \
            oni ja ty my wy mnie mi ci go mu jeszcze bardzo gdy gdzie",
        Language::Czech => "a i v ve na s se z ze do o od za po při pro pod nad bez ale nebo či že to ten ta ti ty toho té tom \
            je jsou byl byla bylo byli být není si jak co kdo který která které už jen tak jeho její jejich on ona ono oni já \
            my vy mě mi když kde také velmi",
        Language::Russian => "и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было \
            вот от меня еще нет о из ему теперь когда даже ну ли если уже или ни быть был него до вас опять вам ведь там потом \
            себя ей они тут где есть надо ней для мы тебя их чем была сам чтоб без будто чего тоже себе под будет ж тогда кто \
            этот того потому этого какой ним здесь этом мой тем чтобы нее были куда зачем всех при об хоть после над тот через \
            эти нас про них какая много эту моя свою этой перед том такой им более всю между это",
        Language::Turkish => "ve bir bu da de için ile çok daha gibi en ne o ki mi mu mü ama ancak veya ya her şey ben sen biz \
            siz onlar olan olarak olduğu oldu var yok değil kadar sonra önce",
        Language::Greek => "ο η το οι τα του της των τον την και κι ή αλλά σε στο στη στην στον στα στους από με για που ότι πως \
            να θα δεν μην είναι ήταν ένα ένας μια μία αυτό αυτός αυτή τους μας σας μου σου ως όπως αν όταν",
        Language::Catalan => "el la els les l un una uns unes de del dels d a al als i o però en amb per sense sobre entre des \
            fins que qui quan on com si no ni es s se seu seva seus seves li em et ens us jo ell ella ells elles aquest \
            aquesta això és són era eren ser estat ha han havia més molt també perquè",
        Language::Indonesian => "yang dan di ke dari untuk pada dengan adalah ini itu atau juga tidak akan telah sudah dalam oleh \
            sebagai ia dia mereka kami kita saya anda karena ada bisa dapat lebih",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_fit_their_bound() {
        for language in Language::ALL {
            for word in words(language).split_ascii_whitespace() {
                let folded = fold(word);
                assert!(folded.len() <= LONGEST, "{word}");
                assert!(contains(language, &folded), "{word}");
            }
        }
        assert!(!contains(Language::English, "memory"));
        assert!(!contains(Language::Other, "the"));
        assert!(contains(Language::German, "fur"));
    }
}
